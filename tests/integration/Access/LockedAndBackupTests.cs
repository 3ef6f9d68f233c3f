using Berth.Protocol.V1;
using Berth.Tests.Integration.Manager;
using Grpc.Core;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Access;

/// <summary>Autolock, backup, restore and the audit log of real managers.</summary>
public sealed class LockedAndBackupTests
{
    private const string Passphrase = "correct horse battery";

    [SkippableFact]
    public async Task A_locked_manager_answers_that_it_is_locked_until_it_is_unlocked()
    {
        await using var manager = await ManagerProcess.StartNewAsync();
        await DeployAsync(manager);
        var first = await TurnOnAsync(manager);
        var second = (await Admin(manager).GetUnlockKeyAsync(new GetUnlockKeyRequest { Rotate = true })).Key;
        Assert.NotEqual(first, second);
        await UntilKeysAsync(manager, text => text.Contains("wrapped", StringComparison.Ordinal));
        await Task.Delay(2_500);
        await manager.KillAsync();

        await manager.StartLockedAsync();
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await manager.Client.ListServicesAsync(new ListServicesRequest()));
        Assert.Equal((StatusCode.Unavailable, true), (refused.StatusCode, refused.Status.Detail.Contains("berth cluster unlock")));
        foreach (var wrong in new[] { "", "BERTHKEY-1-x", first })
        {
            var wrongKey = await Assert.ThrowsAsync<RpcException>(async () => await Admin(manager).UnlockAsync(new UnlockRequest { Key = wrong }));
            Assert.Equal(StatusCode.PermissionDenied, wrongKey.StatusCode);
            Assert.DoesNotContain(second[11..], wrongKey.Status.Detail);
        }
        await Admin(manager).UnlockAsync(new UnlockRequest { Key = second });
        await UntilServingAsync(manager);
        Assert.Equal("shop_web", Assert.Single((await manager.Client.ListServicesAsync(new ListServicesRequest())).Services).Service.Spec.Name);

        await SetAutolockAsync(manager, isOn: false);
        await UntilKeysAsync(manager, text => !text.Contains("wrapped", StringComparison.Ordinal));
        await manager.KillAsync();
        await manager.StartAsync();
        Assert.Contains((await ReadAuditAsync(manager)).Select(entry => $"{entry.Call} {entry.Outcome}"), line => line == "ClusterAdmin/Unlock done");
        Assert.Contains((await ReadAuditAsync(manager)).Select(entry => $"{entry.Call} {entry.Outcome}"), line => line.StartsWith("ClusterAdmin/Unlock refused: ", StringComparison.Ordinal));
        Assert.DoesNotContain(second[11..], manager.Said);
        Assert.DoesNotContain(second[11..], File.ReadAllText(Path.Combine(manager.DataDirectory, "audit.log")));
    }

    [Fact]
    public async Task A_backup_is_restored_with_everything_in_it_and_no_agent_finds_its_epoch_low()
    {
        await using var manager = await ManagerProcess.StartNewAsync();
        await DeployAsync(manager);
        var before = await manager.Client.GetInfoAsync(new GetInfoRequest());
        var file = Path.Combine(manager.DataDirectory, "backup");
        await using (var written = File.Create(file))
        {
            using var call = Admin(manager).Backup(new BackupRequest { Passphrase = Passphrase });
            await foreach (var chunk in call.ResponseStream.ReadAllAsync())
                chunk.Data.WriteTo(written);
        }

        var inspected = await ManagerProcess.RunAsync(Passphrase, "inspect", file);
        Assert.Equal((0, ""), (inspected.ExitCode, inspected.Errors));
        Assert.Contains($"cluster:  {before.ClusterId}", inspected.Output);
        Assert.Contains("services: 1 in 1 stacks", inspected.Output);
        var wrong = await ManagerProcess.RunAsync("another passphrase", "restore", file, "--data", manager.DataDirectory + "-none");
        Assert.Equal((1, true), (wrong.ExitCode, wrong.Errors.Contains("passphrase is wrong")));
        Assert.False(Directory.Exists(manager.DataDirectory + "-none"));
        var taken = await ManagerProcess.RunAsync(Passphrase, "restore", file, "--data", manager.DataDirectory);
        Assert.Equal((1, true), (taken.ExitCode, taken.Errors.Contains("another berth-manager uses")));

        await using var restored = new ManagerProcess();
        var done = await ManagerProcess.RunAsync(Passphrase, "restore", file, "--data", restored.DataDirectory);
        Assert.Equal((0, ""), (done.ExitCode, done.Errors));
        Assert.Contains("holds a manager's", (await ManagerProcess.RunAsync(Passphrase, "restore", file, "--data", restored.DataDirectory)).Errors);
        await restored.StartAsync();
        var after = await restored.Client.GetInfoAsync(new GetInfoRequest());
        Assert.Equal(before.ClusterId, after.ClusterId);
        Assert.True(after.Version > before.Version && after.Epoch > before.Epoch + 1_000, $"{before} → {after}");
        Assert.Equal("PASSWORD=hidden", Assert.Single(Assert.Single((await restored.Client.ListServicesAsync(new ListServicesRequest())).Services).Service.Spec.Task.Container.Env));
        await DeployAsync(restored, replicas: 3);
        await restored.KillAsync();
        await restored.StartAsync();
        Assert.Single((await restored.Client.ListServicesAsync(new ListServicesRequest())).Services);
        await restored.KillAsync();
        foreach (var path in Directory.GetFiles(restored.DataDirectory))
            Assert.Equal(-1, File.ReadAllBytes(path).AsSpan().IndexOf("hidden"u8));
    }

    [Fact]
    public async Task A_wish_of_a_newer_release_is_refused_and_not_dropped()
    {
        await using var manager = await ManagerProcess.StartNewAsync();
        await DeployAsync(manager);
        // Field 2047: nobody has it.
        var newer = ScaleServicesRequest.Parser.ParseFrom((byte[])[.. Google.Protobuf.MessageExtensions.ToByteArray(new ScaleServicesRequest { Scales = { new ScaleServicesRequest.Types.Scale { Service = "shop_web", Replicas = 5 } } }), 0xF8, 0x7F, 0x01]);

        var refused = await Assert.ThrowsAsync<RpcException>(async () => await manager.Client.ScaleServicesAsync(newer));
        Assert.Equal(StatusCode.FailedPrecondition, refused.StatusCode);
        Assert.Contains("upgrade all managers first", refused.Status.Detail);
        Assert.Equal(2, (await manager.Client.ListServicesAsync(new ListServicesRequest())).Services[0].Service.Spec.Replicated.Replicas);
        Assert.Contains((await ReadAuditAsync(manager)), entry => entry.Call == "Control/ScaleServices" && entry.Outcome.Contains("does not know", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Every_change_is_written_down_before_it_is_answered_with_who_and_how_it_ended()
    {
        await using var manager = await ManagerProcess.StartNewAsync();
        await DeployAsync(manager);
        await Assert.ThrowsAsync<RpcException>(async () => await manager.Client.RemoveStackAsync(new RemoveStackRequest { Name = "nothing" }));
        await manager.Client.ListStacksAsync(new ListStacksRequest());
        await manager.KillAsync();
        await manager.StartAsync();

        var entries = await ReadAuditAsync(manager);
        Assert.Equal(["Control/DeployStack stack 'shop' done", "Control/RemoveStack stack 'nothing' refused: NotFound"], entries.Select(entry => $"{entry.Call} {entry.Subject} {entry.Outcome.Split(": there")[0]}"));
        Assert.All(entries, entry => Assert.Equal(($"root on '{Environment.MachineName}'", $"unix://{manager.Socket}"), (entry.Who, entry.From)));
    }

    private static ClusterAdmin.ClusterAdminClient Admin(ManagerProcess manager) => new(manager.Channel);

    private static async Task DeployAsync(ManagerProcess manager, int replicas = 2) => await manager.Client.DeployStackAsync(new DeployStackRequest
    {
        Spec = new StackSpec
        {
            Name = "shop",
            Services =
            {
                new ServiceSpec
                {
                    Name = "shop_web",
                    Labels = { ["com.docker.stack.namespace"] = "shop" },
                    Replicated = new ReplicatedMode { Replicas = replicas },
                    Task = new TaskSpec { Container = new ContainerSpec { Image = "web:1", Env = { "PASSWORD=hidden" } } },
                },
            },
        },
    });

    private static async Task<string> TurnOnAsync(ManagerProcess manager)
    {
        await SetAutolockAsync(manager, isOn: true);
        return (await Admin(manager).GetUnlockKeyAsync(new GetUnlockKeyRequest())).Key;
    }

    private static async Task SetAutolockAsync(ManagerProcess manager, bool isOn)
    {
        try
        {
            await Admin(manager).UpdateClusterAsync(new UpdateClusterRequest { Autolock = isOn });
        }
        catch (RpcException error) when (error.StatusCode == StatusCode.Unimplemented)
        {
            Skip.If(true, error.Status.Detail);
        }
    }

    private static async Task<List<AuditEntry>> ReadAuditAsync(ManagerProcess manager)
    {
        using var call = Admin(manager).ReadAudit(new ReadAuditRequest());
        var entries = new List<AuditEntry>();
        await foreach (var entry in call.ResponseStream.ReadAllAsync())
            entries.Add(entry);
        return entries;
    }

    private static Task UntilKeysAsync(ManagerProcess manager, Func<string, bool> holds) =>
        UntilAsync(() => Task.FromResult(holds(File.ReadAllText(Path.Combine(manager.DataDirectory, "keys.json")))));

    private static Task UntilServingAsync(ManagerProcess manager) => UntilAsync(async () =>
    {
        try
        {
            await manager.Client.GetInfoAsync(new GetInfoRequest());
            return true;
        }
        catch (RpcException error) when (error.StatusCode is StatusCode.Unavailable or StatusCode.Internal)
        {
            return false;
        }
    });

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        using var deadline = new CancellationTokenSource(ManagerProcess.Deadline);
        while (!await holds())
            await Task.Delay(50, deadline.Token);
    }
}
