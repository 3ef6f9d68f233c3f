using System.Collections.Immutable;
using System.Net;
using Berth.Identity;
using Berth.Model;
using Berth.Model.Networks;

namespace Berth.Manager.Store;

/// <summary>An authority as the state keeps it. The key is known to managers only; an authority that signs elsewhere has none.</summary>
/// <param name="CertificatePem">Its certificate.</param>
/// <param name="KeyPem">Its key; empty when an external authority signs.</param>
public sealed record AuthorityRecord(string CertificatePem, string KeyPem)
{
    /// <summary>SHA-256 of the certificate, as join tokens name it.</summary>
    public string Digest { get; } = JoinToken.DigestOf(Pem.One(CertificatePem, "the authority's certificate"));

    /// <summary>Without the key.</summary>
    public override string ToString() => $"{nameof(AuthorityRecord)} {{ {Digest} }}";
}

/// <summary>An authority that is trusted no more, but for certificates it signed for clients.</summary>
/// <param name="CertificatePem">Its certificate.</param>
/// <param name="Until">When the last of them has expired, or itself.</param>
public sealed record RetiredAuthority(string CertificatePem, DateTimeOffset Until);

/// <summary>How far a change of authorities has come.</summary>
public enum RotationPhase
{
    /// <summary>Nothing is being rotated.</summary>
    None = 0,
    /// <summary>The new authority is to be trusted everywhere; the earlier one still signs.</summary>
    Announced = 1,
    /// <summary>The new authority signs; whoever has a certificate of the earlier one gets another.</summary>
    Moving = 2,
}

/// <summary>Whom the cluster trusts, and the secrets with which hosts join.</summary>
public sealed record ClusterTrust
{
    /// <summary>The authority that signs.</summary>
    public required AuthorityRecord Signing { get; init; }

    /// <summary>While authorities are rotated: the other one that is trusted, the new or the earlier one; else null.</summary>
    public AuthorityRecord? Other { get; init; }

    /// <summary>How far a rotation has come.</summary>
    public RotationPhase Phase { get; init; }

    /// <summary>Earlier authorities whose certificates of clients are still believed, the earliest first.</summary>
    public ValueList<RetiredAuthority> Retired { get; init; }

    /// <summary>Who vouches for whom: by these a client that knows an earlier authority comes to trust a later one.</summary>
    public ValueList<AuthorityEndorsement> Endorsements { get; init; }

    /// <summary>While authorities are rotated: whether certificates of clients end with the earlier one.</summary>
    public bool CutsClients { get; init; }

    /// <summary>Secret of the workers' join token, hexadecimal.</summary>
    public required string WorkerSecret { get; init; }

    /// <summary>Secret of the managers' join token, hexadecimal.</summary>
    public required string ManagerSecret { get; init; }

    /// <summary>Every authority that is trusted, the signing one first; PEM.</summary>
    public string RootsPem => Other is null ? Line(Signing.CertificatePem) : Line(Signing.CertificatePem) + Line(Other.CertificatePem);

    /// <summary>Every authority whose certificates of clients alone are believed; PEM, empty when there is none.</summary>
    public string RetiredPem => string.Concat(Retired.Select(retired => Line(retired.CertificatePem)));

    /// <summary>Digests of the trusted authorities, in an order of their own.</summary>
    public ImmutableArray<string> Digests => Other is null ? [Signing.Digest] : [.. new[] { Signing.Digest, Other.Digest }.Order(StringComparer.Ordinal)];

    /// <summary>The secret of a role's token.</summary>
    public string SecretOf(NodeRole role) => role == NodeRole.Manager ? ManagerSecret : WorkerSecret;

    /// <summary>Without keys and secrets.</summary>
    public override string ToString() => $"{nameof(ClusterTrust)} {{ {Signing.Digest}, {Phase} }}";

    private static string Line(string pem) => pem.TrimEnd('\n') + "\n";
}

/// <summary>What administrators decided about certificates and networks.</summary>
public sealed record ClusterSettings
{
    /// <summary>Until somebody decides otherwise.</summary>
    public static ClusterSettings Default { get; } = new();

    /// <summary>Certificates of nodes are never valid for less.</summary>
    public static readonly TimeSpan ShortestValidity = TimeSpan.FromSeconds(10);

    /// <summary>Certificates of nodes are never valid for longer.</summary>
    public static readonly TimeSpan LongestValidity = TimeSpan.FromDays(366);

    /// <summary>How long certificates of nodes are valid.</summary>
    public TimeSpan CertificateValidity { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Of an external authority that signs in place of the cluster's own; empty for none.</summary>
    public string ExternalAuthority { get; init; } = "";

    /// <summary>All networks come from here.</summary>
    public IPNetwork NetworkPool { get; init; } = AddressPlan.DefaultPool;

    /// <summary>Prefix of a network that nobody asked a subnet for.</summary>
    public int NetworkSize { get; init; } = AddressPlan.DefaultSize;
}

/// <summary>What a node proved when it joined, and what it was given since. Apart from <see cref="Node"/>: a renewal is no
/// change that a scheduler has to hear of.</summary>
public sealed record NodeIdentity
{
    /// <summary>Whose.</summary>
    public required NodeId Id { get; init; }

    /// <summary>Where other managers and agents reach its manager, as <c>IP</c> or <c>IP:PORT</c>; empty when it has none.</summary>
    public string ManagerAddress { get; init; } = "";

    /// <summary>Its agent's newest certificate; null when it has none.</summary>
    public HeldCertificate? Agent { get; init; }

    /// <summary>Its manager's newest certificate; null when it has none.</summary>
    public HeldCertificate? Manager { get; init; }

    /// <summary>It came back with an expired certificate and waits for an administrator.</summary>
    public bool AwaitsApproval { get; init; }

    /// <summary>An administrator lets it renew its expired certificate, once.</summary>
    public bool IsApproved { get; init; }

    /// <summary>Its newest certificate in a role; null when it has none.</summary>
    public HeldCertificate? Of(CertificateRole role) => role switch
    {
        CertificateRole.Worker => Agent,
        CertificateRole.Manager => Manager,
        _ => null,
    };

    /// <summary>With another certificate in a role.</summary>
    public NodeIdentity With(CertificateRole role, HeldCertificate? certificate) =>
        role == CertificateRole.Manager ? this with { Manager = certificate } : this with { Agent = certificate };

    /// <summary>The certificates it has.</summary>
    public IEnumerable<HeldCertificate> Certificates => new[] { Agent, Manager }.OfType<HeldCertificate>();
}

/// <summary>A certificate that was given to a node.</summary>
/// <param name="KeyHash">SHA-256 of its key: what the node is known by, in every certificate it gets.</param>
/// <param name="Serial">Its serial number.</param>
/// <param name="ExpiresAt">Valid until.</param>
/// <param name="Authority">Digest of the authority that signed it.</param>
/// <param name="Trusts">Digests of the authorities its holder said to trust, in the order of <see cref="ClusterTrust.Digests"/>,
/// separated by commas.</param>
public sealed record HeldCertificate(string KeyHash, string Serial, DateTimeOffset ExpiresAt, string Authority, string Trusts)
{
    /// <summary>What a holder that trusts exactly these says.</summary>
    public static string Saying(IEnumerable<string> digests) => string.Join(',', digests.Order(StringComparer.Ordinal));
}
