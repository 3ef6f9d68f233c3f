using Berth.Identity;
using Berth.Manager.Api;
using Berth.Manager.Leadership;
using Berth.Manager.Store;
using Berth.Model;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Identity;

/// <summary>What is known of other managers beyond the state; registered by who follows them.</summary>
public interface IManagerSightings
{
    /// <summary>Whether a manager is reachable, the newest index it was seen to hold, its version, and its share of the store.</summary>
    (string Reachability, long Index, string Version, string StoreMember) Of(NodeId manager);
}

/// <summary>The cluster's state for administrators.</summary>
internal sealed class ClusterReport(
    OwnNode own, StoreKind kind, ILeadership leadership, ManagerFacts facts, TimeProvider time, IEnumerable<IManagerSightings> sightings,
    IEnumerable<IStoreMembers> shares)
{
    /// <summary>The cluster as this manager sees it.</summary>
    public V1.ClusterStatus Of(ClusterState state)
    {
        var status = new V1.ClusterStatus
        {
            Id = state.ClusterId?.ToString() ?? "",
            CreatedAt = state.FormedAt == default ? null : state.FormedAt.ToTimestamp(),
            Spec = new V1.ClusterSpec
            {
                CertificateValidityNs = Protocol.SpecMapper.ToNanoseconds(state.Settings.CertificateValidity),
                Autolock = state.UnlockKey is not null,
                ExternalAuthority = state.Settings.ExternalAuthority,
                NetworkPool = state.Settings.NetworkPool.ToString(),
                NetworkSize = state.Settings.NetworkSize,
            },
            Epoch = state.Epoch,
            Index = state.Index,
            Store = shares.FirstOrDefault()?.Kind ?? kind.Name,
            Authority = Authority(state),
            AnsweredBy = own.Id?.ToString() ?? "",
        };
        foreach (var (node, _) in ManagerEndpoints.Of(state, own.Id))
            status.Managers.Add(Manager(state, node));
        foreach (var node in state.Nodes.Values.Where(node => IsLeaving(state, node)))
        {
            var leaving = Manager(state, node.Id);
            leaving.Reachability = "leaving";
            status.Managers.Add(leaving);
        }
        status.Advice.AddRange(shares.FirstOrDefault()?.Advice ?? []);
        status.Advice.AddRange(Advice(state));
        return status;
    }

    // Demoted, and its host has not ended it yet; of a host that is lost nobody would say when.
    private static bool IsLeaving(ClusterState state, Node node) =>
        node.Spec.Role != NodeRole.Manager && node.Description.Manager.Length > 0 && node.Status.State == NodeState.Ready
        && state.Identities.TryGetValue(node.Id, out var identity) && identity.Manager is not null;

    private V1.ManagerStatus Manager(ClusterState state, NodeId node)
    {
        var isLeader = leadership.Current.Holder == node || (leadership.IsLeading && node == own.Id);
        var (reachability, index, version, member) = node == own.Id
            ? ("reachable", state.Index, facts.Version, "")
            : sightings.FirstOrDefault()?.Of(node) ?? ("unknown", 0, "", "");
        return new V1.ManagerStatus
        {
            NodeId = node.ToString(),
            Hostname = state.Nodes[node].Description.Hostname,
            Address = state.Identities[node].ManagerAddress,
            Leader = isLeader,
            Reachability = reachability,
            Index = index,
            Version = version,
            StoreMember = shares.FirstOrDefault()?.States.GetValueOrDefault(node) ?? member,
        };
    }

    private V1.AuthorityStatus? Authority(ClusterState state)
    {
        if (state.Trust is not { } trust)
            return null;
        using var certificate = Pem.One(trust.Signing.CertificatePem, "the authority's certificate");
        return new V1.AuthorityStatus
        {
            Digest = trust.Signing.Digest,
            ExpiresAt = certificate.NotAfter.ToUniversalTime().ToTimestamp(),
            Rotating = trust.Phase != RotationPhase.None,
            NodesToRenew = { AuthorityRotation.WaitsFor(state, time.GetUtcNow()).Select(node => NameOf(state, node)) },
            ExternalUrl = state.Settings.ExternalAuthority,
            EarlierClientsUntil = trust.Retired.IsEmpty ? null : trust.Retired.Max(retired => retired.Until).ToTimestamp(),
        };
    }

    private static IEnumerable<string> Advice(ClusterState state)
    {
        foreach (var waiting in state.Identities.Values.Where(identity => identity.AwaitsApproval).Select(identity => NameOf(state, identity.Id)).Order())
            yield return $"node '{waiting}' came back with an expired certificate; to let it in again, run: berth node approve {waiting}";
    }

    private static string NameOf(ClusterState state, NodeId node) =>
        state.Nodes.TryGetValue(node, out var known) ? known.Description.Hostname : node.ToString();
}

/// <summary>Which store keeps the cluster's state: sqlite, postgres or etcd.</summary>
public sealed record StoreKind(string Name);

/// <summary>The calls about the cluster as a whole.</summary>
internal sealed class ClusterCalls(IClusterView view, StoreGateway store, ClusterReport report) : V1.ClusterAdmin.ClusterAdminBase
{
    /// <inheritdoc/>
    public override Task<V1.ClusterStatus> GetCluster(V1.GetClusterRequest request, ServerCallContext context) =>
        Task.FromResult(report.Of(view.Current));

    /// <inheritdoc/>
    public override async Task<V1.ClusterStatus> UpdateCluster(V1.UpdateClusterRequest request, ServerCallContext context)
    {
        if (!request.HasCertificateValidityNs && !request.HasAutolock && !request.HasExternalAuthority && !request.HasNetworkPool && !request.HasNetworkSize)
            throw ApiErrors.Invalid("nothing is asked; name what to change");
        if (request.HasCertificateValidityNs || request.HasExternalAuthority || request.HasNetworkPool || request.HasNetworkSize)
        {
            await store.ExecuteAsync<CommandResults.SettingsAre>(
                new Command.UpdateSettings(
                    request.HasCertificateValidityNs ? Protocol.SpecMapper.FromNanoseconds(request.CertificateValidityNs) : null,
                    request.HasExternalAuthority ? request.ExternalAuthority : null)
                {
                    NetworkPool = request.HasNetworkPool ? Pool(request.NetworkPool) : null,
                    NetworkSize = request.HasNetworkSize ? request.NetworkSize : null,
                },
                "berth cluster status", context.CancellationToken);
        }
        if (request.HasAutolock)
        {
            await store.ExecuteAsync<CommandResults.UnlockKeyIs>(
                new Command.SetAutolock(request.Autolock, Keys.UnlockKey.Create().Format()), "berth cluster status", context.CancellationToken);
        }
        return report.Of(view.Current);
    }

    private static System.Net.IPNetwork Pool(string text) => System.Net.IPNetwork.TryParse(text, out var pool)
        ? pool
        : throw ApiErrors.Invalid($"network_pool '{text}' is not a network; write its first address and prefix, such as 10.128.0.0/10");
}
