using System.Net.Http;
using System.Text.Json;
using Berth.Bench.Measure;
using Berth.Bench.Subjects;
using Berth.Protocol.V1;
using Grpc.Core;
using Task = System.Threading.Tasks.Task;

namespace Berth.Bench.Clusters;

/// <summary>Three managers and two workers with thirty containers, on which managers are lost.</summary>
public sealed class ManagersLab : IAsyncDisposable
{
    /// <summary>Containers, all on the workers.</summary>
    public const int Replicas = 30;

    private const int Managers = 3;
    private const int Hosts = 5;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(2);

    private ManagersLab(BenchLab lab, ClusterClients clients, PostgresServer? postgres) => (Lab, Clients, Postgres) = (lab, clients, postgres);

    /// <summary>The hosts.</summary>
    public BenchLab Lab { get; }

    /// <summary>A client of the managers.</summary>
    public ClusterClients Clients { get; }

    /// <summary>The server that holds the state, when that is PostgreSQL.</summary>
    public PostgresServer? Postgres { get; }

    /// <summary>The node that writes go to; nobody cuts anything there.</summary>
    public string Register => Lab.Hosts[^1].Name;

    /// <summary>Makes it, with the state in <paramref name="store"/>: etcd or postgres.</summary>
    /// <param name="store">Where the state is.</param>
    /// <param name="arguments">More for <c>lab up</c>.</param>
    public static async Task<ManagersLab> UpAsync(string store, params IReadOnlyList<string> arguments)
    {
        var lab = await BenchLab.UpAsync(Hosts, forSwarm: false, ["--managers", "3", .. arguments]);
        PostgresServer? postgres = null;
        ClusterClients? clients = null;
        try
        {
            if (store == "postgres")
            {
                postgres = await PostgresServer.StartAsync(lab.MachineAddress);
                await lab.BerthAsync("cluster", "store", "migrate", "postgres", "--postgres-file", postgres.ConnectionFile);
            }
            clients = await ClusterClients.OpenAsync(lab, "bench");
            var made = new ManagersLab(lab, clients, postgres);
            await made.SettledAsync();
            await lab.BerthAsync("service", "create", "--name", "bench", "--replicas", Replicas.ToString(), "--network", "host",
                "--constraint", "node.role==worker", "--stop-signal", "SIGKILL", "--restart-delay", "0s", "berth/busybox:1", "sleep", "1000000");
            return made;
        }
        catch
        {
            // Nobody else would take it down.
            clients?.Dispose();
            await lab.DisposeAsync();
            if (postgres is not null)
                await postgres.DisposeAsync();
            throw;
        }
    }

    /// <summary>What one of the managers that answers says of the cluster.</summary>
    public async Task<ClusterStatus> StatusAsync()
    {
        RpcException? last = null;
        foreach (var end in Clients.All)
        {
            try
            {
                return await end.Admin.GetClusterAsync(new GetClusterRequest(), ManagerEnd.Within(Soon));
            }
            catch (RpcException e)
            {
                last = e;
            }
        }
        throw last!;
    }

    /// <summary>Host and term of the leader.</summary>
    public async Task<(BenchHost Host, long Epoch)> LeaderAsync()
    {
        var status = await StatusAsync();
        var leader = status.Managers.Single(manager => manager.Leader);
        return (Lab.Hosts.Single(host => host.Name == leader.Hostname), status.Epoch);
    }

    /// <summary>Waits until every manager answers, follows the same leader and sees the others, and every node is ready.</summary>
    public async Task SettledAsync()
    {
        var seen = "";
        try
        {
            await Command.UntilAsync("all managers are whole", Limit, async () => (seen = await UnsettledAsync()).Length == 0, everyMilliseconds: 200);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}: {seen}", e);
        }
    }

    /// <summary>Every container of the workers with when it started, by their engines' word.</summary>
    public async Task<IReadOnlyDictionary<string, string>> ContainersAsync()
    {
        var found = new Dictionary<string, string>();
        foreach (var host in Lab.Hosts.Where(host => !host.IsManager))
        {
            foreach (var id in await host.Engine.ListAsync(runningOnly: true))
            {
                using var container = await host.Engine.CallAsync(HttpMethod.Get, $"containers/{id}/json");
                found[id] = container!.RootElement.GetProperty("State").GetProperty("StartedAt").GetString()!;
            }
        }
        return found;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Clients.Dispose();
        await Lab.DisposeAsync();
        if (Postgres is not null)
            await Postgres.DisposeAsync();
    }

    // Why it is not settled yet, in words.
    private async Task<string> UnsettledAsync()
    {
        var epochs = new HashSet<long>();
        foreach (var end in Clients.All)
        {
            try
            {
                var status = await end.Admin.GetClusterAsync(new GetClusterRequest(), ManagerEnd.Within(Soon));
                var info = await end.Control.GetInfoAsync(new GetInfoRequest(), ManagerEnd.Within(Soon));
                epochs.Add(status.Epoch);
                if (status.Managers.Count != Managers || !status.Managers.Any(manager => manager.Leader))
                    return $"{end.Host} knows {status.Managers.Count} managers, leading {status.Managers.Count(manager => manager.Leader)}";
                if (status.Managers.FirstOrDefault(manager => manager.Reachability == "unreachable" || manager.StoreMember is not ("" or "started")) is { } away)
                    return $"{end.Host} says that {away.Hostname} is {away.Reachability}, store {away.StoreMember}";
                if (info.NodesReady != Hosts)
                    return $"{end.Host} says that {info.NodesReady} nodes of {Hosts} are ready";
            }
            catch (RpcException e)
            {
                return $"{end.Host}: {e.Status.Detail}";
            }
        }
        return epochs.Count == 1 ? "" : $"the managers are in different terms: {string.Join(", ", epochs)}";
    }
}
