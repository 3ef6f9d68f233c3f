using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Berth.Protocol;
using Grpc.Net.Client;

namespace Berth.Manager.Journals.Etcd;

/// <summary>The connection to one member.</summary>
internal sealed class EtcdMember : IDisposable
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromMilliseconds(500);

    // etcd takes it amiss when it is asked more often than every 5 s.
    private static readonly TimeSpan PingAfter = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(3);

    private readonly GrpcChannel _channel;

    public EtcdMember(Uri address, Func<EtcdIdentity>? identity)
    {
        Address = address;
        var handler = Http2.Handler(ConnectTimeout, PingAfter, PingTimeout, identity is null ? null : Tls(identity));
        handler.PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan;
        _channel = GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            HttpHandler = handler,
            DisposeHttpClient = true,
            MaxReceiveMessageSize = null,
            MaxSendMessageSize = null,
        });
        KV = new V3.KV.KVClient(_channel);
        Watch = new V3.Watch.WatchClient(_channel);
        Cluster = new V3.Cluster.ClusterClient(_channel);
        Maintenance = new V3.Maintenance.MaintenanceClient(_channel);
    }

    public Uri Address { get; }
    public V3.KV.KVClient KV { get; }
    public V3.Watch.WatchClient Watch { get; }
    public V3.Cluster.ClusterClient Cluster { get; }
    public V3.Maintenance.MaintenanceClient Maintenance { get; }

    /// <summary>Failures since its last answer.</summary>
    public int Failures;

    /// <summary>Not asked before this timestamp while another member can be.</summary>
    public long RestsUntil;

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();

    // The authority signs for members of this cluster's etcd only: any of them is as good as the one that was dialled.
    private static SslClientAuthenticationOptions Tls(Func<EtcdIdentity> identity) => new()
    {
        EnabledSslProtocols = SslProtocols.Tls13,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        LocalCertificateSelectionCallback = (_, _, _, _, _) => identity().Certificate,
        RemoteCertificateValidationCallback = (_, certificate, _, _) => IsOfAuthority(certificate, identity().Authorities),
    };

    private static bool IsOfAuthority(X509Certificate? certificate, X509Certificate2Collection authorities)
    {
        if (certificate is not X509Certificate2 shown)
            return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(shown);
    }
}
