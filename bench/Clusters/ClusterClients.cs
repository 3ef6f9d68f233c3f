using System.Net.Http;
using System.Text.Json;
using Berth.Bench.Measure;
using Berth.Bench.Subjects;
using Berth.Identity;
using Berth.Protocol.V1;
using Grpc.Core;
using Grpc.Net.Client;

namespace Berth.Bench.Clusters;

/// <summary>A connection to one manager over the lab's network, as a person's tool has it: TLS, a client certificate.</summary>
/// <param name="Host">The manager's host.</param>
/// <param name="Channel">The connection.</param>
public sealed record ManagerEnd(string Host, GrpcChannel Channel)
{
    private const string ConsistentHeader = "berth-consistent";

    /// <summary>Everyday calls.</summary>
    public Control.ControlClient Control { get; } = new(Channel);

    /// <summary>Administrators' calls.</summary>
    public ClusterAdmin.ClusterAdminClient Admin { get; } = new(Channel);

    /// <summary>Options of a call that ends in time; with <paramref name="consistent"/> the newest state is asked for.</summary>
    // gRPC takes a deadline as an instant of the wall clock; nothing is measured by it.
    public static CallOptions Within(TimeSpan limit, bool consistent = false, CancellationToken cancel = default) =>
        new(consistent ? new Metadata { { ConsistentHeader, "1" } } : null, DateTime.UtcNow + limit, cancel);
}

/// <summary>One client of the cluster, with a connection to each manager.</summary>
public sealed class ClusterClients : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1);

    private ClusterClients(IReadOnlyList<ManagerEnd> all) => All = all;

    /// <summary>One for each manager, in the order of the hosts.</summary>
    public IReadOnlyList<ManagerEnd> All { get; }

    /// <summary>Has a certificate made for an admin called <paramref name="name"/>, and dials the managers with it.</summary>
    public static async Task<ClusterClients> OpenAsync(BenchLab lab, string name)
    {
        var folder = Directory.CreateTempSubdirectory("berth-bench-");
        try
        {
            var file = Path.Combine(folder.FullName, "client.berth");
            await lab.BerthAsync("cluster", "client", "create", name, "--role", "admin", "-o", file);
            using var bundle = JsonDocument.Parse(await File.ReadAllTextAsync(file));
            string Text(string field) => bundle.RootElement.GetProperty(field).GetString()!;
            var identity = new TlsIdentity(ProcessIdentity.Read(Text("certificate"), Text("key"), Text("authority")), TimeProvider.System);
            return new ClusterClients([.. lab.Hosts.Where(host => host.IsManager).Select(host => new ManagerEnd(host.Name, Dial(identity, host.Address)))]);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Root's connections over the unix sockets of managers on this machine.</summary>
    public static ClusterClients OfSockets(IEnumerable<(string Name, string Socket)> managers) =>
        new([.. managers.Select(manager => new ManagerEnd(manager.Name, Simulation.UnixChannel.Open(manager.Socket)))]);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var end in All)
            end.Channel.Dispose();
    }

    // A host that lost power says nothing: pings find out, so that no call waits for it longer than that.
    private static GrpcChannel Dial(TlsIdentity identity, string address) => GrpcChannel.ForAddress($"https://{address}:2400", new GrpcChannelOptions
    {
        DisposeHttpClient = true,
        InitialReconnectBackoff = TimeSpan.FromMilliseconds(100),
        MaxReconnectBackoff = Soon,
        HttpHandler = new SocketsHttpHandler
        {
            SslOptions = identity.ForClient(CertificateRole.Manager),
            UseProxy = false,
            ConnectTimeout = Soon,
            KeepAlivePingDelay = Soon,
            KeepAlivePingTimeout = Soon,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.Always,
        },
    });
}
