using System.Diagnostics;
using Berth.Protocol.V1;
using Berth.Tests.Integration.Manager;
using Grpc.Core;
using Xunit.Abstractions;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Members;

/// <summary>Two of three real managers are lost for good, and later come back all the same.</summary>
public sealed class RecoveryTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120);

    // What the design promises for a recovery, on a machine that does nothing else.
    private static readonly TimeSpan Promised = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task One_survivor_of_three_goes_on_with_every_write_it_had_and_the_others_never_overtake_it()
    {
        await using var one = await ClusterManager.FormAsync(1);
        await using var two = await ClusterManager.JoinAsync(2, one);
        await StartedAsync(one, 2);
        await using var three = await ClusterManager.JoinAsync(3, one, two);
        await StartedAsync(one, 3);
        await three.Process.ServesAsync();
        var acknowledged = new List<string>();
        for (var number = 0; number < 20; number++)
            acknowledged.Add(await WriteAsync(three, $"web{number}"));
        acknowledged.AddRange(await RotatedAsync(one, two, three));

        await Task.WhenAll(one.LosePowerAsync(), two.LosePowerAsync());
        await Assert.ThrowsAsync<RpcException>(async () => await three.Process.Client.CreateServiceAsync(
            new CreateServiceRequest { Spec = Specs.Service("lost") }, deadline: CallDeadline.In(3)));
        var begun = Stopwatch.StartNew();
        var recovered = await ManagerProcess.RunAsync("", "recover", "--data", three.Process.DataDirectory);
        Assert.True(recovered.ExitCode == 0, recovered.Errors);
        await RestartedAsync(three);
        acknowledged.Add(await WriteAsync(three, "after"));
        output.WriteLine($"from the command to the first write: {begun.Elapsed.TotalSeconds:0.0} s");
        Assert.True(begun.Elapsed < Promised, $"{begun.Elapsed}\n{three.Process.Said}");
        await FollowedAsync(three, status => status.Managers.Count == 1);
        await HasAllAsync(three, acknowledged);

        // They are a majority of the old cluster, with everything of it. Nobody obeys them who has heard of the survivor.
        one.Boot();
        two.Boot();
        await Task.Delay(TimeSpan.FromSeconds(10));
        var survivor = await three.Admin.GetClusterAsync(new GetClusterRequest());
        Assert.True(survivor.Epoch > 1_000_000, $"{survivor}");
        Assert.Single(survivor.Managers);
        foreach (var former in new[] { one, two })
            Assert.InRange(await EpochAsync(former), 0, 1_000_000);
        acknowledged.Add(await WriteAsync(three, "later"));
        await HasAllAsync(three, acknowledged);
    }

    // Everything that can be rotated, while each of several managers is written to.
    private static async Task<List<string>> RotatedAsync(params ClusterManager[] managers)
    {
        using var stop = new CancellationTokenSource();
        var written = new List<string>();
        var writing = Task.Run(async () =>
        {
            for (var number = 0; !stop.IsCancellationRequested; number++)
            {
                // Without another attempt: nothing of this is a reason to refuse a write.
                await managers[number % 3].Process.Client.CreateServiceAsync(new CreateServiceRequest { Spec = Specs.Service($"rotating{number}") }, deadline: CallDeadline.In(30));
                written.Add($"rotating{number}");
            }
        }, CancellationToken.None);
        var (admin, before) = (managers[1].Admin, await managers[1].Admin.GetClusterAsync(new GetClusterRequest()));
        await admin.RotateAuthorityAsync(new RotateAuthorityRequest());
        await FollowedAsync(managers[2], status => !status.Authority.Rotating && status.Authority.Digest != before.Authority.Digest);
        await admin.RotateDataKeysAsync(new RotateDataKeysRequest());
        foreach (var role in new[] { NodeRole.Worker, NodeRole.Manager })
            await admin.GetJoinTokenAsync(new GetJoinTokenRequest { Role = role, Rotate = true });
        foreach (var isLocked in new[] { true, false })
        {
            await admin.UpdateClusterAsync(new UpdateClusterRequest { Autolock = isLocked });
            await Task.WhenAll(managers.Select(manager => UntilAsync(
                () => File.ReadAllText(Path.Combine(manager.Process.DataDirectory, "keys.json")).Contains("wrapped", StringComparison.Ordinal) == isLocked)));
        }
        await stop.CancelAsync();
        await writing;
        Assert.NotEmpty(written);
        return written;
    }

    private static async Task UntilAsync(Func<bool> holds)
    {
        var waited = Stopwatch.StartNew();
        for (; !holds(); await Task.Delay(100))
            Assert.True(waited.Elapsed < Deadline, "not in time");
    }

    private static async Task<long> EpochAsync(ClusterManager manager)
    {
        try
        {
            return (await manager.Admin.GetClusterAsync(new GetClusterRequest(), deadline: CallDeadline.In(5))).Epoch;
        }
        catch (RpcException)
        {
            // It does not even start.
            return 0;
        }
    }

    // A leader whose term was ended ends, and its host's supervisor starts it again.
    private static async Task RestartedAsync(ClusterManager manager)
    {
        var waited = Stopwatch.StartNew();
        while (waited.Elapsed < Deadline)
        {
            await manager.SuperviseAsync();
            try
            {
                if ((await manager.Admin.GetClusterAsync(new GetClusterRequest(), deadline: CallDeadline.In(5))).Epoch > 1_000_000)
                    return;
            }
            catch (RpcException)
            {
                // Between its end and its start.
            }
            await Task.Delay(100);
        }
        Assert.Fail($"it does not lead:\n{manager.Process.Said}");
    }

    private static async Task<string> WriteAsync(ClusterManager manager, string name)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                await manager.Process.Client.CreateServiceAsync(new CreateServiceRequest { Spec = Specs.Service(name) }, deadline: CallDeadline.In(10));
                return name;
            }
            catch (RpcException error) when (error.StatusCode == StatusCode.AlreadyExists)
            {
                return name;
            }
            catch (RpcException error)
            {
                Assert.True(waited.Elapsed < Deadline, $"{error.Status}\n{manager.Process.Said}");
                await Task.Delay(100);
            }
        }
    }

    private static async Task HasAllAsync(ClusterManager manager, IEnumerable<string> names)
    {
        var services = await manager.Process.Client.ListServicesAsync(new ListServicesRequest());
        Assert.Superset(names.ToHashSet(), services.Services.Select(service => service.Service.Spec.Name).ToHashSet());
    }

    private static Task StartedAsync(ClusterManager asked, int count) => FollowedAsync(
        asked, status => status.Managers.Count == count && status.Managers.All(manager => manager.StoreMember == "started"));

    private static async Task FollowedAsync(ClusterManager asked, Func<ClusterStatus, bool> wanted)
    {
        var waited = Stopwatch.StartNew();
        while (await asked.Admin.GetClusterAsync(new GetClusterRequest()) is var status && !wanted(status))
        {
            Assert.True(waited.Elapsed < Deadline, $"{status}\n{asked.Process.Said}");
            await Task.Delay(100);
        }
    }
}
