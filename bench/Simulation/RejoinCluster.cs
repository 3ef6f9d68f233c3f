using Berth.Bench.Clusters;
using Berth.Bench.Measure;
using Berth.Protocol.V1;
using Grpc.Core;
using Task = System.Threading.Tasks.Task;

namespace Berth.Bench.Simulation;

/// <summary>Managers of one cluster on this machine, each a <see cref="ClusterHost"/>.</summary>
public sealed class RejoinCluster : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly List<ClusterHost> _hosts = [];

    /// <summary>The managers.</summary>
    public IReadOnlyList<ClusterHost> Hosts => _hosts;

    /// <summary>How long nobody leads after a leader's end without a word, at most by the managers' own times.</summary>
    public TimeSpan Election { get; } = TimeSpan.FromSeconds(1.5);

    /// <summary>Forms a cluster of so many managers.</summary>
    public static async Task<RejoinCluster> UpAsync(int managers)
    {
        var cluster = new RejoinCluster();
        try
        {
            cluster._hosts.Add(await ClusterHost.FormAsync());
            while (cluster._hosts.Count < managers)
            {
                cluster._hosts.Add(await ClusterHost.JoinAsync(cluster._hosts.Count + 1, cluster._hosts));
                await cluster.SettledAsync(null);
            }
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>A manager that leads, or one that does not.</summary>
    public async Task<ClusterHost> OneAsync(bool leads)
    {
        ClusterHost? found = null;
        await Command.UntilAsync(leads ? "somebody leads" : "somebody follows", Limit, async () =>
        {
            try
            {
                var status = await StatusAsync(_hosts[0]);
                found = _hosts.LastOrDefault(host => status.Managers.Any(manager => manager.NodeId == host.Node.ToString() && manager.Leader == leads));
            }
            catch (RpcException)
            {
                // Asked again.
            }
            return found is not null;
        });
        return found!;
    }

    /// <summary>Waits until every manager follows the same leader, is a member of the store, and sees all agents ready.</summary>
    public async Task SettledAsync(int? agents)
    {
        var seen = "";
        try
        {
            await Command.UntilAsync("all managers are whole", Limit, async () => (seen = await UnsettledAsync(agents)).Length == 0, everyMilliseconds: 200);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}: {seen}\n{string.Join('\n', _hosts.Select(host => $"--- {host.Name}\n{host.Said}"))}", e);
        }
    }

    /// <summary>Asks any manager that answers; again while there is no leader.</summary>
    public async Task<T> CallAsync<T>(Func<Control.ControlClient, AsyncUnaryCall<T>> call)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return await call(new Control.ControlClient(_hosts[attempt % _hosts.Count].Channel));
            }
            catch (RpcException e) when (e.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded && attempt < 300)
            {
                await Task.Delay(Look);
            }
        }
    }

    /// <summary>Whether so many tasks run.</summary>
    public async Task<bool> HasRunningAsync(int tasks) => (await CallAsync(control => control.GetInfoAsync(new GetInfoRequest()))).TasksRunning >= tasks;

    /// <summary>Counts the agents' nodes that any of these managers calls down at any moment until told to stop.</summary>
    public static async Task<int> WatchDownAsync(IReadOnlyList<ClusterHost> managers, CancellationToken stop)
    {
        var down = new HashSet<string>();
        while (!stop.IsCancellationRequested)
        {
            foreach (var manager in managers)
            {
                try
                {
                    var nodes = await new Control.ControlClient(manager.Channel).ListNodesAsync(new ListNodesRequest(), ManagerEnd.Within(Patience, cancel: CancellationToken.None));
                    down.UnionWith(nodes.Nodes.Where(node => node.Node.Status.State == NodeState.Down && node.Node.Spec.Role != NodeRole.Manager).Select(node => node.Node.Id));
                }
                catch (RpcException)
                {
                    // It is asked again in a moment.
                }
            }
            await Task.Delay(Look * 4, CancellationToken.None);
        }
        return down.Count;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts)
            await host.DisposeAsync();
    }

    private static async Task<ClusterStatus> StatusAsync(ClusterHost host) =>
        await new ClusterAdmin.ClusterAdminClient(host.Channel).GetClusterAsync(new GetClusterRequest(), ManagerEnd.Within(Patience));

    private async Task<string> UnsettledAsync(int? agents)
    {
        var leaders = new HashSet<string>();
        foreach (var host in _hosts)
        {
            try
            {
                var status = await StatusAsync(host);
                if (status.Managers.Count != _hosts.Count || !status.Managers.Any(manager => manager.Leader))
                    return $"{host.Name} knows {status.Managers.Count} managers, leading {status.Managers.Count(manager => manager.Leader)}";
                if (_hosts.Count > 1 && status.Managers.FirstOrDefault(manager => manager.Reachability == "unreachable" || manager.StoreMember is not ("" or "started")) is { } away)
                    return $"{host.Name} says that {away.Hostname} is {away.Reachability}, store {away.StoreMember}";
                leaders.Add(status.Managers.Single(manager => manager.Leader).NodeId);
                var info = await new Control.ControlClient(host.Channel).GetInfoAsync(new GetInfoRequest(), ManagerEnd.Within(Patience));
                if (agents is { } all && info.NodesReady < all)
                    return $"{host.Name} says that {info.NodesReady} nodes of {all} are ready";
            }
            catch (RpcException e)
            {
                return $"{host.Name}: {e.Status.Detail}";
            }
        }
        return leaders.Count == 1 ? "" : "the managers name different leaders";
    }
}
