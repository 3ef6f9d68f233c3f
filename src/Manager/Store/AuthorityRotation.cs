using System.Collections.Immutable;
using Berth.Identity;
using Berth.Model;
using Berth.Protocol;

namespace Berth.Manager.Store;

/// <summary>Moves a cluster from one authority to another, without a moment in which two of its members do not trust each other.</summary>
/// <remarks>First every member learns to trust the new authority beside the earlier one and says so. Only then does the new one
/// sign. Once nobody has a certificate of the earlier one it is trusted no more. A member whose certificate has expired is not
/// waited for: it is refused anyway, and joins again. A member that is down is: its certificate still opens doors.</remarks>
public static class AuthorityRotation
{
    /// <summary>What to trust next; null when nothing changes yet.</summary>
    public static ClusterTrust? Next(ClusterState state, DateTimeOffset now)
    {
        if (state.Trust is { Phase: RotationPhase.None } settled)
            return Forget(settled, now);
        if (state.Trust is not { Other: { } other } trust || !WaitsFor(state, now).IsEmpty)
            return null;
        return trust.Phase == RotationPhase.Announced
            ? trust with { Signing = other, Other = trust.Signing, Phase = RotationPhase.Moving }
            : Retire(trust, other, state, now);
    }

    // A client is away for weeks; nobody waits for it. Until its certificate ends the authority that signed it is believed for clients alone.
    private static ClusterTrust Retire(ClusterTrust trust, AuthorityRecord earlier, ClusterState state, DateTimeOffset now)
    {
        var done = trust with { Other = null, Phase = RotationPhase.None, CutsClients = false };
        var last = state.Clients.Values.Select(client => client.ExpiresAt).DefaultIfEmpty().Max();
        if (trust.CutsClients || last <= now || state.Level < ReleaseLevel.ClientsOutliveRotations)
            return trust.CutsClients ? done with { Retired = [], Endorsements = [] } : Forget(done, now) ?? done;
        using var certificate = Pem.One(earlier.CertificatePem, "the earlier authority's certificate");
        var end = new DateTimeOffset(certificate.NotAfter.ToUniversalTime(), TimeSpan.Zero);
        return done with { Retired = [.. trust.Retired, new RetiredAuthority(earlier.CertificatePem, end < last ? end : last)] };
    }

    private static ClusterTrust? Forget(ClusterTrust trust, DateTimeOffset now)
    {
        ValueList<RetiredAuthority> left = [.. trust.Retired.Where(retired => retired.Until > now)];
        var endorsements = left.IsEmpty ? [] : trust.Endorsements;
        return left == trust.Retired && endorsements == trust.Endorsements ? null : trust with { Retired = left, Endorsements = endorsements };
    }

    /// <summary>Members that hold a rotation up, by id; empty when none does or nothing is being rotated.</summary>
    public static ImmutableArray<NodeId> WaitsFor(ClusterState state, DateTimeOffset now) => state.Trust switch
    {
        { Phase: RotationPhase.Announced } trust => Those(state, now, held => held.Trusts != HeldCertificate.Saying(trust.Digests)),
        { Phase: RotationPhase.Moving } trust => Those(state, now, held => held.Authority != trust.Signing.Digest),
        _ => [],
    };

    /// <summary>Whether a member should get a new certificate now, however young the one it has.</summary>
    public static bool MustRenew(ClusterState state, NodeId node, CertificateRole role, DateTimeOffset now) =>
        state.Identities.TryGetValue(node, out var identity) && identity.Of(role) is { } held && held.ExpiresAt > now && state.Trust switch
        {
            { Phase: RotationPhase.Announced } trust => held.Trusts != HeldCertificate.Saying(trust.Digests),
            { Phase: RotationPhase.Moving } trust => held.Authority != trust.Signing.Digest,
            _ => false,
        };

    // Of a host that is no manager any more the manager's certificate opens nothing, and nobody renews it.
    private static IEnumerable<HeldCertificate> Doors(ClusterState state, NodeIdentity identity) =>
        state.Nodes.TryGetValue(identity.Id, out var node) && node.Spec.Role == NodeRole.Manager
            ? identity.Certificates
            : identity.With(CertificateRole.Manager, null).Certificates;

    private static ImmutableArray<NodeId> Those(ClusterState state, DateTimeOffset now, Func<HeldCertificate, bool> isBehind) =>
        [.. state.Identities.Values
            .Where(identity => Doors(state, identity).Any(held => held.ExpiresAt > now && isBehind(held)))
            .Select(identity => identity.Id).Order()];
}
