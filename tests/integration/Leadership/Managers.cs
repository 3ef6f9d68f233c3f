using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Berth.Identity;
using Berth.Model;
using Berth.Protocol.V1;
using Berth.Tests.Integration.Manager;
using Berth.Tests.Integration.Stores;
using Grpc.Core;
using NodeId = Berth.Model.NodeId;
using NodeRole = Berth.Protocol.V1.NodeRole;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Leadership;

/// <summary>Three real managers of one cluster, each a process, on one PostgreSQL server.</summary>
public sealed class Managers : IAsyncDisposable
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120);

    private readonly List<ManagerProcess> _all = [];
    private readonly (string Name, string Value)[] _variables;
    private PostgresServer? _server;

    private Managers((string Name, string Value)[] variables) => _variables = variables;

    public IReadOnlyList<ManagerProcess> All => _all;

    /// <summary>Forms a cluster of three.</summary>
    /// <param name="variables">Environment variables they are started with.</param>
    public static async Task<Managers> StartNewAsync(params (string Name, string Value)[] variables)
    {
        var managers = new Managers(variables);
        try
        {
            managers._server = await PostgresServer.StartNewAsync();
            var connection = managers._server.Connection(await managers._server.NewDatabaseAsync());
            var urls = new List<string>();
            for (var number = 1; number <= 3; number++)
                urls.Add(await managers.AddAsync(number, connection, urls));
            return managers;
        }
        catch
        {
            await managers.DisposeAsync();
            throw;
        }
    }

    /// <summary>The one that leads, once there is one that answers so.</summary>
    public async Task<ManagerProcess> LeaderAsync(ManagerProcess? besides = null)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            foreach (var manager in _all.Where(manager => manager != besides && manager.IsRunning))
            {
                if (manager.Said.LastIndexOf("This manager leads: epoch", StringComparison.Ordinal) >= 0)
                    return manager;
            }
            Assert.True(waited.Elapsed < Deadline, $"nobody leads; they said:\n{Said}");
            await Task.Delay(20);
        }
    }

    public string Said => string.Join("\n----\n", _all.Select(manager => manager.Said));

    public IEnumerable<ManagerProcess> Besides(ManagerProcess manager) => _all.Where(other => other != manager);

    /// <summary>Waits until a manager shows what must be there.</summary>
    public async Task ShowsAsync(ManagerProcess manager, IReadOnlyCollection<string> services)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            var shown = (await manager.Client.ListServicesAsync(new ListServicesRequest(), deadline: CallDeadline.In(10)))
                .Services.Select(service => service.Service.Spec.Name).ToHashSet();
            if (services.All(shown.Contains))
                return;
            Assert.True(waited.Elapsed < Deadline, $"missing {string.Join(", ", services.Where(name => !shown.Contains(name)))}; they said:\n{Said}");
            await Task.Delay(50);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var manager in _all)
            await manager.DisposeAsync();
        if (_server is not null)
            await _server.DisposeAsync();
    }

    private async Task<string> AddAsync(int number, string connection, List<string> urls)
    {
        var manager = new ManagerProcess();
        foreach (var (name, value) in _variables)
            manager.Variables[name] = value;
        _all.Add(manager);
        var file = new ManagerFile
        {
            NodeId = new NodeId((UInt128)number),
            Hostname = $"berth{number}",
            Advertise = new IPEndPoint(IPAddress.Loopback, FreePort()),
            Store = "postgres",
            Postgres = connection,
        };
        if (urls.Count > 0)
        {
            var token = await new ClusterAdmin.ClusterAdminClient(_all[0].Channel).GetJoinTokenAsync(new GetJoinTokenRequest { Role = NodeRole.Manager });
            file = file with { JoinToken = Berth.Identity.JoinToken.Parse(token.Token), JoinManagers = urls.ToValueList() };
        }
        Directory.CreateDirectory(manager.DataDirectory);
        file.Save(manager.DataDirectory);
        await manager.StartAsync();
        return file.Url;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

/// <summary>Writes services one after the other through whoever takes them, and remembers what was acknowledged.</summary>
public sealed class Writer : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<string> _acknowledged = [];
    private readonly Task _writing;
    private long _lastAt = Stopwatch.GetTimestamp();
    private TimeSpan _longestGap;

    public Writer(Managers managers) => _writing = WriteAsync(managers);

    public IReadOnlyList<string> Acknowledged
    {
        get
        {
            lock (_acknowledged)
                return [.. _acknowledged];
        }
    }

    /// <summary>Between two acknowledgements at the longest.</summary>
    public TimeSpan LongestGap
    {
        get
        {
            lock (_acknowledged)
                return _longestGap;
        }
    }

    /// <summary>Waits for so many more acknowledgements.</summary>
    public async Task MoreAsync(int count, Managers managers)
    {
        var waited = Stopwatch.StartNew();
        for (var until = Acknowledged.Count + count; Acknowledged.Count < until; await Task.Delay(20))
            Assert.True(waited.Elapsed < Managers.Deadline, $"no write was acknowledged; they said:\n{managers.Said}");
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _writing;
        _stop.Dispose();
    }

    private async Task WriteAsync(Managers managers)
    {
        for (var number = 1; !_stop.IsCancellationRequested; number++)
        {
            foreach (var manager in managers.All.Where(manager => manager.IsRunning))
            {
                try
                {
                    await manager.Client.CreateServiceAsync(new CreateServiceRequest { Spec = Specs.Service($"web{number}") }, deadline: CallDeadline.In(1));
                    Note($"web{number}");
                    break;
                }
                catch (Exception error) when (error is RpcException or InvalidOperationException)
                {
                    // Not the leader, or nobody is: the next one is asked.
                }
            }
            await Task.Delay(20, CancellationToken.None);
        }
    }

    private void Note(string name)
    {
        lock (_acknowledged)
        {
            _acknowledged.Add(name);
            var gap = Stopwatch.GetElapsedTime(_lastAt);
            _longestGap = gap > _longestGap ? gap : _longestGap;
            _lastAt = Stopwatch.GetTimestamp();
        }
    }
}
