using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Berth.Identity;
using Berth.Model;
using Berth.Protocol.V1;
using Berth.Tests.Integration.Manager;
using Task = System.Threading.Tasks.Task;
using NodeId = Berth.Model.NodeId;

namespace Berth.Tests.Integration.Members;

/// <summary>A real manager of a cluster, with the supervisor of its host's etcd; several run on this machine, each on ports of its own.</summary>
public sealed class ClusterManager : IAsyncDisposable
{
    private readonly EtcdSupervisor _etcd;

    private ClusterManager(int number, IReadOnlyList<ClusterManager> managers, string token, IReadOnlyList<(string Name, string Value)> variables, IPAddress? address = null)
    {
        foreach (var (name, value) in variables)
            Process.Variables[name] = value;
        Node = new NodeId((UInt128)number);
        Directory.CreateDirectory(Process.DataDirectory);
        var file = new ManagerFile { NodeId = Node, Hostname = $"berth{number.ToString(CultureInfo.InvariantCulture)}", Advertise = new IPEndPoint(address ?? IPAddress.Loopback, FreePorts(address)) };
        if (managers.Count > 0)
            file = file with { JoinToken = Berth.Identity.JoinToken.Parse(token), JoinManagers = managers.Select(manager => manager.Url).ToValueList() };
        Url = file.Url;
        file.Save(Process.DataDirectory);
        _etcd = new EtcdSupervisor(Path.Combine(Path.GetDirectoryName(Process.DataDirectory)!, "etcd/etcd.yml"));
    }

    public NodeId Node { get; }

    public ManagerProcess Process { get; } = new();

    public string Url { get; }

    public ClusterAdmin.ClusterAdminClient Admin => new(Process.Channel);

    /// <summary>Forms a cluster.</summary>
    public static async Task<ClusterManager> FormAsync(int number, params IReadOnlyList<(string Name, string Value)> variables)
    {
        var manager = new ClusterManager(number, [], "", variables);
        await manager.Process.StartAsync();
        return manager;
    }

    /// <summary>Forms a cluster whose managers answer at another address of this host.</summary>
    public static async Task<ClusterManager> FormAtAsync(IPAddress address, int number)
    {
        var manager = new ClusterManager(number, [], "", [], address);
        await manager.Process.StartAsync();
        return manager;
    }

    /// <summary>Begins to join one.</summary>
    public static Task<ClusterManager> JoinAsync(int number, params ClusterManager[] managers) => JoinAsync(number, managers, []);

    /// <summary>Begins to join one, with environment variables.</summary>
    public static async Task<ClusterManager> JoinAsync(int number, IReadOnlyList<ClusterManager> managers, params IReadOnlyList<(string Name, string Value)> variables)
    {
        var token = await managers[0].Admin.GetJoinTokenAsync(new GetJoinTokenRequest { Role = Berth.Protocol.V1.NodeRole.Manager });
        var manager = new ClusterManager(number, managers, token.Token, variables, IPAddress.Parse(new Uri(managers[0].Url).DnsSafeHost));
        manager.Process.Begin();
        return manager;
    }

    /// <summary>Its host loses power: manager and etcd are gone at once.</summary>
    public async Task LosePowerAsync()
    {
        await Task.WhenAll(Process.KillAsync(), _etcd.LosePowerAsync());
    }

    /// <summary>Starts it again when it ended by itself, as its host's supervisor does.</summary>
    public async Task SuperviseAsync()
    {
        if (Process.IsRunning)
            return;
        await Process.KillAsync();
        await Process.StartAsync();
    }

    /// <summary>Its host boots again, on the disk it had; does not wait.</summary>
    public void Boot()
    {
        _etcd.Boot();
        Process.Begin();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Process.KillAsync();
        await _etcd.DisposeAsync();
        await Process.DisposeAsync();
    }

    // Its etcd has the second and third after it.
    internal static int FreePorts(IPAddress? address = null)
    {
        while (true)
        {
            using var first = new TcpListener(address ?? IPAddress.Loopback, 0);
            first.Start();
            var port = ((IPEndPoint)first.LocalEndpoint).Port;
            if (Enumerable.Range(port + 1, 3).All(next => IsFree(address ?? IPAddress.Loopback, next)))
                return port;
        }
    }

    private static bool IsFree(IPAddress address, int port)
    {
        try
        {
            using var listener = new TcpListener(address, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
