using System.Collections.Immutable;
using Berth.Identity;
using Berth.Model;

namespace Berth.Manager.Store;

/// <summary>Where the cluster's managers answer.</summary>
public static class ManagerEndpoints
{
    /// <summary>Every manager that has a certificate, by node id.</summary>
    /// <param name="state">What is known.</param>
    /// <param name="first">Who comes first when it is one; null for nobody.</param>
    public static ImmutableArray<(NodeId Node, string Url)> Of(ClusterState state, NodeId? first = null) =>
        [.. state.Identities.Values
            .Where(identity => identity is { Manager: not null, ManagerAddress.Length: > 0 }
                && state.Nodes.TryGetValue(identity.Id, out var node) && node.Spec.Role == NodeRole.Manager)
            .OrderBy(identity => identity.Id == first ? 0 : 1).ThenBy(identity => identity.Id)
            .Select(identity => (identity.Id, ManagerFile.UrlOf(identity.ManagerAddress)))];
}
