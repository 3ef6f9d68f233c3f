using System.Diagnostics;
using Berth.Manager.Journals.Etcd;
using Berth.Manager.Members;
using Berth.Protocol.V1;
using Berth.Tests.Integration.Manager;
using Grpc.Core;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Members;

/// <summary>Real managers: one grows to three while it is written to.</summary>
public sealed class GrowthTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task The_state_moves_from_one_managers_files_into_etcd_and_no_command_is_refused()
    {
        await using var one = await ClusterManager.FormAsync(1);
        Assert.Equal("sqlite", (await one.Admin.GetClusterAsync(new GetClusterRequest())).Store);
        await one.Process.Client.CreateServiceAsync(new CreateServiceRequest { Spec = Specs.Service("before") });
        using var stop = new CancellationTokenSource();
        var written = new List<string>();
        var slowest = TimeSpan.Zero;
        var writing = Task.Run(async () =>
        {
            for (var number = 1; !stop.IsCancellationRequested; number++)
            {
                var begun = Stopwatch.GetTimestamp();
                await one.Process.Client.CreateServiceAsync(new CreateServiceRequest { Spec = Specs.Service($"web{number}") });
                slowest = Stopwatch.GetElapsedTime(begun) is var took && took > slowest ? took : slowest;
                written.Add($"web{number}");
                await Task.Delay(50, CancellationToken.None);
            }
        }, CancellationToken.None);

        await using var two = await ClusterManager.JoinAsync(2, one);
        await MembersAsync(one, 2, two);
        await using var three = await ClusterManager.JoinAsync(3, one, two);
        await MembersAsync(one, 3, two, three);
        await stop.CancelAsync();
        await writing;

        var status = await one.Admin.GetClusterAsync(new GetClusterRequest());
        Assert.Equal("etcd", status.Store);
        Assert.All(status.Managers, manager => Assert.Equal("started", manager.StoreMember));
        var services = await one.Process.Client.ListServicesAsync(new ListServicesRequest());
        Assert.Superset(written.Append("before").ToHashSet(), services.Services.Select(service => service.Service.Spec.Name).ToHashSet());
        Assert.True(slowest < Deadline);

        Assert.Contains("etcd", await File.ReadAllTextAsync(Path.Combine(one.Process.DataDirectory, "manager.json")), StringComparison.Ordinal);

        // Its host is lost: another leads, with all that was acknowledged.
        await two.Process.ServesAsync();
        await three.Process.ServesAsync();
        await one.LosePowerAsync();
        await WritesAsync("after", two, three);
        var left = await two.Process.Client.ListServicesAsync(new ListServicesRequest());
        Assert.Superset(written.Append("before").ToHashSet(), left.Services.Select(service => service.Service.Spec.Name).ToHashSet());

        // What is left must not be demoted away by mistake; what is lost may be.
        await FollowedAsync(two, status => status.Managers.Count(manager => manager.StoreMember == "started") == 2);
        var refused = await Assert.ThrowsAsync<RpcException>(() => DemoteAsync(two, three));
        Assert.Contains("1 of 2 managers would answer, and 2 are needed", refused.Status.Detail, StringComparison.Ordinal);
        await DemoteAsync(two, one);
        await FollowedAsync(two, status => status.Managers.Count == 2 && status.Managers.All(manager => manager.StoreMember == "started"));

        // Now another one is lost, for good: two of two were needed.
        await three.LosePowerAsync();
        await RecoverAsync(two);
        await WritesAsync("recovered", two);
        await FollowedAsync(two, status => status.Managers.Count == 1);
        left = await two.Process.Client.ListServicesAsync(new ListServicesRequest());
        Assert.Superset(written.Append("before").Append("after").ToHashSet(), left.Services.Select(service => service.Service.Spec.Name).ToHashSet());
    }

    [Fact]
    public async Task A_manager_whose_demotion_stopped_half_way_gets_its_voice_back_by_itself()
    {
        await using var one = await ClusterManager.FormAsync(1);
        await using var two = await ClusterManager.JoinAsync(2, one);
        await MembersAsync(one, 2, two);
        await using var three = await ClusterManager.JoinAsync(3, one, two);
        await MembersAsync(one, 3, two, three);
        await three.Process.ServesAsync();

        // As a leader that is lost between the end of the member and that of the role.
        var member = new LocalMember(MemberPlace.Beside(one.Process.DataDirectory, one.Node, new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, new Uri(one.Url).Port)), TimeProvider.System);
        using (var client = new EtcdClient(member.Options(), TimeProvider.System))
        {
            var admin = new EtcdAdmin(client, TimeSpan.FromSeconds(10));
            var leaving = (await admin.ListAsync(CancellationToken.None)).Single(listed => listed.Name == three.Node.ToString());
            Assert.Null(await admin.TakeAsync(new MemberStep.Remove(leaving.ID), CancellationToken.None));
        }
        await FollowedAsync(one, status => status.Managers.Count(manager => manager.StoreMember == "started") == 2);

        await FollowedAsync(one, status => status.Managers.Count == 3 && status.Managers.All(manager => manager.StoreMember == "started"));
        Assert.True(three.Process.IsRunning, three.Process.Said);
        Assert.Contains("asks for a voice again", three.Process.Said);
        await WritesAsync("after", three);
    }

    [SkippableFact]
    public async Task Managers_reach_one_another_over_version_6()
    {
        Skip.IfNot(System.Net.Sockets.Socket.OSSupportsIPv6, "this host has no IPv6");
        await using var one = await ClusterManager.FormAtAsync(System.Net.IPAddress.IPv6Loopback, 1);
        await using var two = await ClusterManager.JoinAsync(2, one);
        await MembersAsync(one, 2, two);
        await two.Process.ServesAsync();
        await WritesAsync("web", two);
        Assert.Equal("web", Assert.Single((await one.Process.Client.ListServicesAsync(new ListServicesRequest())).Services).Service.Spec.Name);
        await FollowedAsync(one, status => status.Managers.All(manager => manager.Reachability == "reachable" && manager.StoreMember == "started"));

        // Akka's membership, too, which nothing hangs on but what it says.
        var waited = Stopwatch.StartNew();
        while (!two.Process.Said.Contains("Joining the membership among managers at ::1:", StringComparison.Ordinal))
        {
            Assert.True(waited.Elapsed < Deadline, two.Process.Said);
            await Task.Delay(100);
        }
        Assert.DoesNotContain("cannot listen", two.Process.Said);
        Assert.DoesNotContain("was refused", one.Process.Said);
    }

    private static async Task RecoverAsync(ClusterManager manager)
    {
        using var recover = Process.Start(new ProcessStartInfo(ManagerProcess.Binary(), ["recover", "--data", manager.Process.DataDirectory]) { RedirectStandardError = true })!;
        var said = recover.StandardError.ReadToEndAsync();
        await recover.WaitForExitAsync();
        Assert.True(recover.ExitCode == 0, await said);
    }

    private static async Task DemoteAsync(ClusterManager asked, ClusterManager leaving)
    {
        var request = new ChangeRoleRequest { Nodes = { leaving.Node.ToString() } };
        await asked.Admin.DemoteNodeAsync(request);
    }

    // Whoever leads by then; the others pass it on or say that nobody does.
    private static async Task WritesAsync(string name, params ClusterManager[] managers)
    {
        var waited = Stopwatch.StartNew();
        for (var turn = 0; ; turn++)
        {
            var manager = managers[turn % managers.Length];
            try
            {
                await manager.Process.Client.CreateServiceAsync(new CreateServiceRequest { Spec = Specs.Service(name) });
                return;
            }
            catch (RpcException error) when (error.StatusCode == StatusCode.AlreadyExists)
            {
                return;
            }
            catch (RpcException error)
            {
                Assert.True(waited.Elapsed < Deadline, $"{error.Status}\n{string.Join("\n---\n", managers.Select(one => one.Process.Said))}");
                await Task.Delay(100);
                // Whose term was ended by a recovery ends, to be started again.
                await manager.SuperviseAsync();
            }
        }
    }

    private static async Task FollowedAsync(ClusterManager asked, Func<ClusterStatus, bool> wanted)
    {
        var waited = Stopwatch.StartNew();
        while (await asked.Admin.GetClusterAsync(new GetClusterRequest()) is var status && !wanted(status))
        {
            Assert.True(waited.Elapsed < Deadline, $"{status}\n{asked.Process.Said}");
            await Task.Delay(100);
        }
    }

    private static async Task MembersAsync(ClusterManager asked, int count, params ClusterManager[] joining)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            var status = await asked.Admin.GetClusterAsync(new GetClusterRequest());
            if (status.Managers.Count == count && status.Managers.All(manager => manager.StoreMember == "started"))
                return;
            Assert.True(waited.Elapsed < Deadline, $"{status}\n{asked.Process.Said}\n{string.Join("\n---\n", joining.Select(one => one.Process.Said))}");
            await Task.Delay(100);
        }
    }
}
