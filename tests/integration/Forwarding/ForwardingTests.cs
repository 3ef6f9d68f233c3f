using System.Diagnostics;
using System.Globalization;
using Berth.Protocol.V1;
using Berth.Tests.Integration.Manager;
using Berth.Tests.Integration.Members;
using Grpc.Core;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Forwarding;

/// <summary>Three real managers on etcd: whichever is asked does.</summary>
public sealed class ForwardingTests : IAsyncLifetime
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(180);
    private readonly List<ClusterManager> _managers = [];

    public async Task InitializeAsync()
    {
        _managers.Add(await ClusterManager.FormAsync(1));
        for (var number = 2; number <= 3; number++)
        {
            _managers.Add(await ClusterManager.JoinAsync(number, [.. _managers]));
            await UntilAsync(_managers[0], status => status.Managers.Count == _managers.Count && status.Managers.All(manager => manager.StoreMember == "started"));
        }
        foreach (var manager in _managers)
            await manager.Process.ServesAsync();
    }

    public async Task DisposeAsync()
    {
        foreach (var manager in _managers)
            await manager.DisposeAsync();
    }

    [Fact]
    public async Task Any_manager_takes_changes_and_shows_them_and_goes_on_when_the_leader_is_lost()
    {
        var status = await UntilAsync(_managers[0], known => known.Managers.Any(manager => manager.Leader) && known.Managers.All(manager => manager.Reachability == "reachable"));
        var leader = _managers.Single(manager => manager.Node.ToString() == status.Managers.Single(known => known.Leader).NodeId);
        var standbys = _managers.Where(manager => manager != leader).ToList();

        // What was changed through a standby is seen there by the next read.
        for (var round = 0; round < 20; round++)
        {
            var call = standbys[round % 2].Process.Client.CreateServiceAsync(new CreateServiceRequest { Spec = Specs.Service($"web{round}") });
            await call;
            var index = long.Parse((await call.ResponseHeadersAsync).GetValue("berth-index")!, CultureInfo.InvariantCulture);
            var read = standbys[round % 2].Process.Client.ListServicesAsync(new ListServicesRequest());
            Assert.Contains((await read).Services, service => service.Service.Spec.Name == $"web{round}");
            Assert.True(long.Parse((await read.ResponseHeadersAsync).GetValue("berth-index")!, CultureInfo.InvariantCulture) >= index);
        }

        // Through the other one too, when it is asked for no less.
        var written = leader.Process.Client.CreateServiceAsync(new CreateServiceRequest { Spec = Specs.Service("by-leader") });
        await written;
        var least = new Metadata { { "berth-min-index", (await written.ResponseHeadersAsync).GetValue("berth-index")! } };
        foreach (var standby in standbys)
            Assert.Contains((await standby.Process.Client.ListServicesAsync(new ListServicesRequest(), least)).Services, service => service.Service.Spec.Name == "by-leader");
        var consistent = await standbys[0].Process.Client.ListServicesAsync(new ListServicesRequest(), new Metadata { { "berth-consistent", "1" } });
        Assert.Equal(21, consistent.Services.Count);

        // A refusal comes through as it is.
        var refusal = await Assert.ThrowsAsync<RpcException>(() => standbys[0].Process.Client.CreateServiceAsync(new CreateServiceRequest { Spec = Specs.Service("web0") }).ResponseAsync);
        Assert.Equal(StatusCode.AlreadyExists, refusal.StatusCode);

        await leader.LosePowerAsync();
        await standbys[0].Process.Client.ListServicesAsync(new ListServicesRequest());
        await CreateAsync(standbys[0], "after");
        Assert.Contains((await standbys[0].Process.Client.ListServicesAsync(new ListServicesRequest())).Services, service => service.Service.Spec.Name == "after");
        var later = await UntilAsync(standbys[0], known => known.Managers.Any(manager => manager.Reachability == "unreachable"));
        Assert.Equal(leader.Node.ToString(), later.Managers.Single(manager => manager.Reachability == "unreachable").NodeId);
        // Joining is looked at once a second, so one manager may be at it well after the other.
        foreach (var standby in standbys)
            await UntilSaidAsync(standby, "Joining the membership among managers");
        Assert.All(standbys, standby => Assert.DoesNotContain("on the managers' membership port was refused", standby.Process.Said));
    }

    // A change that may have been made says so; then it is looked up, as a person would.
    private static async Task CreateAsync(ClusterManager manager, string name)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                await manager.Process.Client.CreateServiceAsync(new CreateServiceRequest { Spec = Specs.Service(name) });
                return;
            }
            catch (RpcException error) when (error.StatusCode == StatusCode.AlreadyExists)
            {
                return;
            }
            catch (RpcException error) when (error.StatusCode == StatusCode.Unavailable)
            {
                Assert.True(
                    error.Status.Detail.Contains("nothing was changed", StringComparison.Ordinal) || error.Status.Detail.Contains("check with", StringComparison.Ordinal)
                    || error.Status.Detail.Contains("call again", StringComparison.Ordinal), error.Status.Detail);
                Assert.True(waited.Elapsed < Deadline, $"{error.Status.Detail}\n{manager.Process.Said}");
            }
        }
    }

    private static async Task UntilSaidAsync(ClusterManager manager, string words)
    {
        var waited = Stopwatch.StartNew();
        while (!manager.Process.Said.Contains(words, StringComparison.Ordinal))
        {
            Assert.True(waited.Elapsed < Deadline, $"not said: {words}\n{manager.Process.Said}");
            await Task.Delay(100);
        }
    }

    private static async Task<ClusterStatus> UntilAsync(ClusterManager manager, Func<ClusterStatus, bool> isSo)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            var status = await manager.Admin.GetClusterAsync(new GetClusterRequest());
            if (isSo(status))
                return status;
            Assert.True(waited.Elapsed < Deadline, $"{status}\n{manager.Process.Said}");
            await Task.Delay(100);
        }
    }
}
