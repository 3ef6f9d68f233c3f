using Berth.Identity;
using Berth.Model;

namespace Berth.Manager.Store;

/// <summary>Decides who becomes and stays a member: docs/identity.md.</summary>
internal static class IdentityCommands
{
    public static Decision Admit(ClusterState state, Command.AdmitNode command, DateTimeOffset now)
    {
        if (AdmissionProblem(state, command.Id, command.Role, command.CertificateRole, command.Certificate.KeyHash) is { } refusal)
            return Decision.Refuse(refusal);
        var identity = (state.Identities.GetValueOrDefault(command.Id) ?? new NodeIdentity { Id = command.Id })
            .With(command.CertificateRole, command.Certificate) with { AwaitsApproval = false, IsApproved = false };
        if (command.CertificateRole == CertificateRole.Manager)
            identity = identity with { ManagerAddress = command.Address };
        return Decision.Accept([.. NodeOf(state, command, now), new Change.IdentityPut(identity)], new CommandResults.NodeChanged(command.Id));
    }

    /// <summary>Why a node may not have a certificate; null when it may. Asked before anything is signed, and again when it is
    /// admitted.</summary>
    /// <param name="state">The newest state.</param>
    /// <param name="id">The node.</param>
    /// <param name="tokenRole">What its token makes of it.</param>
    /// <param name="certificateRole">What the certificate is for.</param>
    /// <param name="keyHash">Its key.</param>
    public static StoreProtocol.Refused? AdmissionProblem(
        ClusterState state, NodeId id, NodeRole tokenRole, CertificateRole certificateRole, string keyHash)
    {
        if (certificateRole == CertificateRole.Manager && tokenRole != NodeRole.Manager)
            return new(RefusalReason.Denied, "a worker's token does not make a manager; use the managers' token: berth cluster token manager");
        if (state.RemovedKeys.ContainsKey(keyHash))
        {
            return new(RefusalReason.Denied,
                "this key belonged to a node that was removed, and is worth nothing any more; delete the host's identity (berth cluster leave does it) and join again");
        }
        var other = state.Identities.Values.FirstOrDefault(identity => identity.Id != id && identity.Certificates.Any(held => held.KeyHash == keyHash));
        if (other is not null)
            return new(RefusalReason.Denied, $"this key is node {other.Id}'s; was a data directory copied? Delete the copy's, and the host gets a key of its own");
        if (state.Identities.TryGetValue(id, out var known) && known.Of(certificateRole) is { } held && held.KeyHash != keyHash)
        {
            return new(RefusalReason.Denied,
                $"there is a node {id} with another key; if this host lost its key, remove the node first (berth node rm {id}) and join again");
        }
        return null;
    }

    public static Decision Renew(ClusterState state, Command.RenewCertificate command)
    {
        if (RenewalProblem(state, command.Id, command.Role, command.Certificate.KeyHash, command.IsExpired) is { } refusal)
            return Decision.Refuse(refusal);
        var identity = state.Identities[command.Id].With(command.Role, command.Certificate);
        if (command.IsExpired)
            identity = identity with { IsApproved = false, AwaitsApproval = false };
        return Decision.Accept([new Change.IdentityPut(identity)], new CommandResults.NodeChanged(command.Id));
    }

    /// <summary>Why a node's certificate is not renewed; null when it is.</summary>
    public static StoreProtocol.Refused? RenewalProblem(ClusterState state, NodeId id, CertificateRole role, string keyHash, bool isExpired)
    {
        if (NodeAdmission.Problem(state, id, role, keyHash) is { } problem)
            return new(RefusalReason.Denied, problem);
        return isExpired && !state.Identities[id].IsApproved
            ? new(RefusalReason.Denied, $"its certificate has expired: the node awaits approval. Run: berth node approve {NameOf(state, id)}")
            : null;
    }

    public static Decision AskApproval(ClusterState state, Command.AskApproval command) =>
        state.Identities.TryGetValue(command.Id, out var identity)
            ? Decision.Accept(
                identity.AwaitsApproval || identity.IsApproved ? [] : [new Change.IdentityPut(identity with { AwaitsApproval = true })],
                new CommandResults.NodeChanged(command.Id))
            : Decision.Refuse(RefusalReason.NotFound, $"there is no node {command.Id}");

    public static Decision Approve(ClusterState state, Command.ApproveNode command, DateTimeOffset now)
    {
        var reference = References.Node(state, command.Node);
        if (reference.Value is not { } node)
            return Decision.Refuse(reference.Refusal!);
        if (!state.Identities.TryGetValue(node.Id, out var identity)
            || (!identity.AwaitsApproval && identity.Certificates.All(held => held.ExpiresAt > now)))
        {
            return Decision.Refuse(RefusalReason.Conflict,
                $"node '{node.Description.Hostname}' has no certificate that has expired: there is nothing to approve");
        }
        return Decision.Accept(
            identity.IsApproved ? [] : [new Change.IdentityPut(identity with { IsApproved = true, AwaitsApproval = false })],
            new CommandResults.NodeChanged(node.Id));
    }

    public static Decision Remove(ClusterState state, Command.RemoveNodes command)
    {
        var removed = new List<Node>();
        var problems = new List<string>();
        foreach (var name in command.Nodes.Distinct())
        {
            var reference = References.Node(state, name);
            if (reference.Value is not { } node)
                return Decision.Refuse(reference.Refusal!);
            if (Problem(state, node, command.IsForced) is { } problem)
                problems.Add(problem);
            else if (removed.All(other => other.Id != node.Id))
                removed.Add(node);
        }
        return problems.Count > 0
            ? Decision.Refuse(RefusalReason.Conflict, problems)
            : Decision.Accept(
                [.. removed.Select(node => new Change.NodeRemoved(node.Id))],
                new CommandResults.NodesRemoved(removed.Select(node => node.Id).ToValueList()));
    }

    private static string? Problem(ClusterState state, Node node, bool isForced)
    {
        var name = node.Description.Hostname;
        // A manager that is alone has no identities: its node is a manager's for ever, and can be removed.
        if (node.Spec.Role == NodeRole.Manager && state.Identities.ContainsKey(node.Id))
            return $"node '{name}' is a manager; demote it first: berth node demote {name}";
        return node.Status.State is NodeState.Ready or NodeState.Disconnected && !isForced
            ? $"node '{name}' is {(node.Status.State == NodeState.Ready ? "ready" : "disconnected for the moment")}; stop it first (berth cluster leave on its host), or remove it nonetheless with --force"
            : null;
    }

    private static IEnumerable<Change> NodeOf(ClusterState state, Command.AdmitNode command, DateTimeOffset now)
    {
        if (!state.Nodes.TryGetValue(command.Id, out var known))
        {
            yield return new Change.NodePut(new Node
            {
                Id = command.Id,
                CreatedAt = now,
                UpdatedAt = now,
                Spec = new NodeSpec { Role = command.Role },
                Description = new NodeDescription { Hostname = command.Hostname, Address = AddressOnly(command.Address) },
            });
        }
        else if (command.Role == NodeRole.Manager && known.Spec.Role != NodeRole.Manager)
        {
            yield return new Change.NodePut(known with { Spec = known.Spec with { Role = NodeRole.Manager }, UpdatedAt = now });
        }
    }

    // Of a manager the address may name a port; a node's is the host's.
    private static string AddressOnly(string address) =>
        System.Net.IPEndPoint.TryParse(address, out var endPoint) ? endPoint.Address.ToString() : address;

    private static string NameOf(ClusterState state, NodeId id) =>
        state.Nodes.TryGetValue(id, out var node)
        && state.Nodes.Values.Count(other => other.Description.Hostname == node.Description.Hostname) == 1
            ? node.Description.Hostname
            : id.ToString();
}
