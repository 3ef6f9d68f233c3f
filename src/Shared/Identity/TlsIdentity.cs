using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Berth.Model;

namespace Berth.Identity;

/// <summary>The identity a process uses on its connections now. It may be swapped at any time: open connections stay, each
/// new handshake shows the newest certificate and trusts the newest authorities.</summary>
/// <remarks>TLS 1.3 only. Host names are not checked: addresses change, identities do not. What is checked is the chain, the
/// cluster, and the role of who answers. Sessions are not resumed: each connection proves its key, and who lost his manager comes to
/// another, which has no session of his to resume; the tickets alone cost more than they would save.</remarks>
public sealed class TlsIdentity
{
    private readonly TimeProvider _time;
    private volatile Held _held;
    private volatile X509Certificate2Collection _earlier = [];

    /// <summary>Holds <paramref name="identity"/>.</summary>
    public TlsIdentity(ProcessIdentity identity, TimeProvider time)
    {
        _time = time;
        _held = new Held(identity, identity.Roots, identity.Subject.Cluster);
    }

    private TlsIdentity(X509Certificate2Collection roots, ClusterId? cluster, TimeProvider time)
    {
        _time = time;
        _held = new Held(null, roots, cluster);
    }

    /// <summary>The identity; null for a caller who has none yet.</summary>
    public ProcessIdentity? Current => _held.Identity;

    /// <summary>Every authority that is trusted, the signing one first.</summary>
    public X509Certificate2Collection Roots => _held.Roots;

    /// <summary>A caller without a certificate who trusts <paramref name="roots"/>: a host about to join.</summary>
    /// <param name="roots">Authorities to trust.</param>
    /// <param name="cluster">The cluster whoever answers must be of; null where it is not known yet.</param>
    /// <param name="time">The clock certificates are judged by.</param>
    public static TlsIdentity WithoutCertificate(X509Certificate2Collection roots, ClusterId? cluster, TimeProvider time) =>
        new(roots, cluster, time);

    /// <summary>From now on this identity.</summary>
    public void Swap(ProcessIdentity identity) => _held = new Held(identity, identity.Roots, identity.Subject.Cluster);

    /// <summary>From now on these authorities, with the same certificate.</summary>
    public void Trust(X509Certificate2Collection roots) => _held = _held with { Roots = roots };

    /// <summary>Authorities whose certificates of clients are still believed, and nobody else's.</summary>
    public X509Certificate2Collection EarlierOfClients => _earlier;

    /// <summary>From now on certificates of clients are believed that these signed, beside those of the trusted authorities.</summary>
    public void TrustClientsOf(X509Certificate2Collection earlier) => _earlier = earlier;

    /// <summary>How to dial somebody who must be <paramref name="expectedOfServer"/>. May be used for many connections: each
    /// asks for the newest certificate.</summary>
    public SslClientAuthenticationOptions ForClient(CertificateRole expectedOfServer) => new()
    {
        EnabledSslProtocols = SslProtocols.Tls13,
        CertificateChainPolicy = NoFirstLook(),
        AllowTlsResume = false,
        LocalCertificateSelectionCallback = (_, _, _, _, _) => _held.Identity?.Certificate!,
        RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
            ProblemOf(certificate, chain, forServer: true, allowExpired: false, expectedOfServer) is null,
    };

    /// <summary>As <see cref="ForClient"/>, for one connection that is made now: it shows the certificate of this moment, and what SslStream
    /// makes of a certificate is made once for all of them.</summary>
    public SslClientAuthenticationOptions ForConnection(CertificateRole expectedOfServer)
    {
        var options = ForClient(expectedOfServer);
        options.LocalCertificateSelectionCallback = null;
        options.ClientCertificateContext = _held is { Identity: not null } held ? held.Context.Value : null;
        return options;
    }

    /// <summary>How to answer somebody. Asked for once per connection, as it shows the certificate of that moment.</summary>
    /// <param name="requireClientCertificate">Whether who has no certificate is turned away at the handshake.</param>
    /// <param name="allowExpired">Whether an expired certificate passes the handshake; its holder may only renew it.</param>
    public SslServerAuthenticationOptions ForServer(bool requireClientCertificate, bool allowExpired = false)
    {
        var held = _held;
        return new SslServerAuthenticationOptions
        {
            EnabledSslProtocols = SslProtocols.Tls13,
            CertificateChainPolicy = NoFirstLook(),
            AllowTlsResume = false,
            ClientCertificateRequired = true,
            ServerCertificateContext = held.Context.Value,
            RemoteCertificateValidationCallback = (_, certificate, chain, _) => certificate is null
                ? !requireClientCertificate
                : ProblemOf(certificate, chain, forServer: false, allowExpired, null) is null,
        };
    }

    /// <summary>Why a certificate is not accepted; null when it is.</summary>
    /// <param name="certificate">Who wants to be believed.</param>
    /// <param name="expected">The role it must have; null for any.</param>
    /// <param name="allowExpired">Whether it may be expired.</param>
    public string? ProblemOf(X509Certificate2 certificate, CertificateRole? expected, bool allowExpired = false) =>
        ProblemOf(certificate, null, expected is CertificateRole.Manager, allowExpired, expected);

    private string? ProblemOf(
        X509Certificate? certificate, X509Chain? presented, bool forServer, bool allowExpired, CertificateRole? expected)
    {
        if (certificate is not X509Certificate2 shown)
            return "no certificate was shown";
        var held = _held;
        if (!NodeCertificate.TryRead(shown, out var subject, out var problem))
            return problem;
        if (expected is { } role && subject.Role != role)
            return $"it is a {NodeCertificate.WordOf(subject.Role)}'s certificate, not a {NodeCertificate.WordOf(role)}'s";
        if (held.Cluster is { } cluster && subject.Cluster != cluster)
            return $"it is of cluster {subject.Cluster}, not of {cluster}";
        X509Certificate2Collection roots = subject.Role == CertificateRole.Client ? [.. held.Roots, .. _earlier] : held.Roots;
        return CertificateChain.Problem(shown, presented, roots, forServer, allowExpired, _time.GetUtcNow());
    }

    private sealed record Held(ProcessIdentity? Identity, X509Certificate2Collection Roots, ClusterId? Cluster)
    {
        // Making one builds a chain: once per certificate, not once per connection.
        public Lazy<SslStreamCertificateContext> Context { get; } = new(() => SslStreamCertificateContext.Create(
            (Identity ?? throw new InvalidOperationException("a process without a certificate cannot answer TLS")).Certificate,
            additionalCertificates: null, offline: true));
    }

    // SslStream builds a chain of its own before it asks us, and what it finds decides nothing: our own check does, once. With nobody to trust
    // it finds at once that there is none; by default it would search all of the machine's authorities and stores.
    private static X509ChainPolicy NoFirstLook() =>
        new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
}
