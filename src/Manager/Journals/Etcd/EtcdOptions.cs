using System.Collections.Immutable;
using System.Security.Cryptography.X509Certificates;

namespace Berth.Manager.Journals.Etcd;

/// <summary>Where etcd answers, and how patiently it is asked.</summary>
public sealed record EtcdOptions
{
    /// <summary>Client addresses of its members, <c>https://ADDRESS:PORT</c>, the one on this host first.</summary>
    public required ImmutableArray<Uri> Endpoints { get; init; }

    /// <summary>Who this manager is to etcd, and whom it believes; null only where every address is plain <c>http</c>.</summary>
    /// <remarks>Asked for at each new connection, so that a renewed certificate is shown.</remarks>
    public Func<EtcdIdentity>? Identity { get; init; }

    /// <summary>How long one member is waited for before the next is asked. What is large is waited for longer.</summary>
    public TimeSpan Attempt { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long a call that is not a commit is tried on one member after the other.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A transaction of several commits is closed once it is larger, bytes.</summary>
    public int TransactionBytes { get; init; } = 768 << 10;

    /// <summary>Most commits of one transaction; the members' <c>max-txn-ops</c> must be larger by two.</summary>
    public int TransactionRows { get; init; } = 1000;
}

/// <summary>A certificate of etcd's own authority with its key, and that authority.</summary>
/// <param name="Certificate">With its private key.</param>
/// <param name="Authorities">Whom to believe.</param>
public sealed record EtcdIdentity(X509Certificate2 Certificate, X509Certificate2Collection Authorities);
