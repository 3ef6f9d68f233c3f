using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Berth.Manager.Members;

/// <summary>A member as etcd's own membership knows it.</summary>
/// <param name="Name">The node id of its host.</param>
/// <param name="PeerUrl">Where other members reach it.</param>
public sealed record EtcdPeer(string Name, string PeerUrl);

/// <summary>How the member on this host runs: what its <c>etcd.yml</c> says.</summary>
public sealed record EtcdConfiguration
{
    /// <summary>Where members talk to one another.</summary>
    public const int PeerPort = 2402;

    /// <summary>Where managers ask.</summary>
    public const int ClientPort = 2403;

    /// <summary>Its name: the node id of its host.</summary>
    public required string Name { get; init; }

    /// <summary>Directory of <c>etcd.yml</c>, <c>data/</c> and <c>pki/</c>.</summary>
    public required string Directory { get; init; }

    /// <summary>The host's address.</summary>
    public required string Address { get; init; }

    /// <summary>Every member there is when it starts for the first time, itself included.</summary>
    public required ImmutableArray<EtcdPeer> Peers { get; init; }

    /// <summary>Whether it joins members that run already; else they all form a new cluster.</summary>
    public bool Joins { get; init; }

    /// <summary>Whether it forgets all other members and goes on alone with the data it has. For one start only.</summary>
    public bool ForgetsOthers { get; init; }

    /// <summary>Keeps members of different clusters apart that reach one another by mistake.</summary>
    public required string Token { get; init; }

    /// <summary>Where members talk to it.</summary>
    public int OwnPeerPort { get; init; } = PeerPort;

    /// <summary>Where managers ask it.</summary>
    public int OwnClientPort { get; init; } = ClientPort;

    /// <summary>Size of the database at which etcd stops taking writes.</summary>
    public long QuotaBytes { get; init; } = 4L << 30;

    /// <summary>Where other members reach it.</summary>
    public string PeerUrl => Url(Address, OwnPeerPort);

    /// <summary>Where managers ask it.</summary>
    public string ClientUrl => Url(Address, OwnClientPort);

    /// <summary>The file.</summary>
    public string Path => System.IO.Path.Combine(Directory, "etcd.yml");

    /// <summary>Certificates and key.</summary>
    public EtcdFiles Files => new(System.IO.Path.Combine(Directory, "pki"));

    /// <summary>Where the member keeps what it knows.</summary>
    public string Data => System.IO.Path.Combine(Directory, "data");

    /// <summary>An address of etcd's.</summary>
    public static string Url(string address, int port) =>
        address.Contains(':', StringComparison.Ordinal) ? $"https://[{address}]:{port}" : $"https://{address}:{port}";

    /// <summary>The text of <c>etcd.yml</c>.</summary>
    /// <remarks>Elections and heartbeats are as fast as one network of hosts allows, so that a lost leader of etcd delays a write
    /// by about a second. Requests may be as large as 16 MiB and transactions as long as the journal's; history is kept for
    /// 10,000 changes, which is more than any watcher needs. Whether a change of members is safe is for <see cref="MembersDecider"/> to say, one at a time and
    /// listeners first; etcd's own check would refuse every one until all voters have been connected for five seconds.</remarks>
    public string ToYaml()
    {
        var yaml = new StringBuilder("# Written by berth-manager; changes are overwritten.\n");
        Line("name", Name);
        Line("data-dir", Data);
        Line("listen-peer-urls", PeerUrl);
        Line("initial-advertise-peer-urls", PeerUrl);
        Line("listen-client-urls", ClientUrl);
        Line("advertise-client-urls", ClientUrl);
        Line("initial-cluster", string.Join(',', Peers.Select(peer => $"{peer.Name}={peer.PeerUrl}")));
        Line("initial-cluster-token", Token);
        Line("initial-cluster-state", Joins ? "existing" : "new");
        if (ForgetsOthers)
            yaml.Append("force-new-cluster: true\n");
        yaml.Append(CultureInfo.InvariantCulture, $"quota-backend-bytes: {QuotaBytes}\n");
        yaml.Append("""
            heartbeat-interval: 50
            election-timeout: 500
            pre-vote: true
            strict-reconfig-check: false
            max-request-bytes: 16777216
            max-txn-ops: 2048
            auto-compaction-mode: revision
            auto-compaction-retention: "10000"
            snapshot-count: 10000
            enable-v2: false
            enable-grpc-gateway: false
            logger: zap
            log-level: warn
            log-outputs: [stderr]

            """);
        Security("client-transport-security");
        Security("peer-transport-security");
        return yaml.ToString();

        void Line(string key, string value) => yaml.Append(CultureInfo.InvariantCulture, $"{key}: \"{value}\"\n");

        void Security(string section)
        {
            yaml.Append(CultureInfo.InvariantCulture, $"{section}:\n");
            yaml.Append(CultureInfo.InvariantCulture, $"  cert-file: \"{Files.Certificate}\"\n");
            yaml.Append(CultureInfo.InvariantCulture, $"  key-file: \"{Files.Key}\"\n");
            yaml.Append(CultureInfo.InvariantCulture, $"  trusted-ca-file: \"{Files.Authority}\"\n");
            yaml.Append("  client-cert-auth: true\n");
        }
    }
}
