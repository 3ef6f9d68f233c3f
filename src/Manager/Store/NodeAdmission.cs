using Berth.Identity;
using Berth.Model;

namespace Berth.Manager.Store;

/// <summary>Says whether a certificate's holder still belongs to the cluster. The chain proves who it is; the state says whether
/// that counts.</summary>
public static class NodeAdmission
{
    private const string NoManager = "is no manager any more";

    /// <summary>Whether a refusal says that the one who asked was a manager once. Only to act sooner: its host is told in any case.</summary>
    public static bool IsDemotion(string problem) => problem.EndsWith(NoManager, StringComparison.Ordinal);

    /// <summary>Why a node is not what its certificate says; null when it is. Age is not judged.</summary>
    public static string? Problem(ClusterState state, NodeId id, CertificateRole role, string keyHash)
    {
        if (!state.Nodes.TryGetValue(id, out var node) || !state.Identities.TryGetValue(id, out var identity))
        {
            return state.RemovedKeys.ContainsKey(keyHash)
                ? $"node {id} was removed from the cluster; to join again, run berth cluster leave on its host and then berth cluster join"
                : $"node {id} is not of this cluster; join with a token: berth cluster join";
        }
        if (role == CertificateRole.Manager && node.Spec.Role != NodeRole.Manager)
            return $"node '{node.Description.Hostname}' {NoManager}";
        return identity.Of(role)?.KeyHash == keyHash
            ? null
            : $"node '{node.Description.Hostname}' has another key now; this certificate is worth nothing";
    }

    /// <summary>Why a call on a connection of this node is not answered; null when it is.</summary>
    /// <param name="state">What this manager knows.</param>
    /// <param name="id">The node of the certificate.</param>
    /// <param name="role">Its role.</param>
    /// <param name="keyHash">Its key.</param>
    /// <param name="now">The manager's clock.</param>
    /// <remarks>A connection outlives the certificate it was made with, as long as its node has renewed it since: what counts is
    /// the node's key, and that its newest certificate is valid.</remarks>
    public static string? CallProblem(
        ClusterState state, NodeId id, CertificateRole role, string keyHash, DateTimeOffset now)
    {
        if (Problem(state, id, role, keyHash) is { } problem)
            return problem;
        return state.Identities[id].Of(role)!.ExpiresAt <= now
            ? $"the certificate of node '{state.Nodes[id].Description.Hostname}' has expired; it must renew it first"
            : null;
    }
}
