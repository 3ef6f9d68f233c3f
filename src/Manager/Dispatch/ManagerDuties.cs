using System.Net;
using Berth.Identity;
using Berth.Manager.Store;
using Berth.Model;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Dispatch;

/// <summary>Which hosts run a manager, as their agents are told: a manager's host gets the file that its supervisor waits for. Pure.</summary>
public static class ManagerDuties
{
    /// <summary>What a node's agent is told when its session begins; null when there is nothing to say.</summary>
    /// <param name="state">The newest state.</param>
    /// <param name="node">The node.</param>
    /// <param name="description">What its agent says of the host.</param>
    public static V1.ManagerDuty? AtBegin(ClusterState state, NodeId node, NodeDescription description)
    {
        if (!state.Nodes.TryGetValue(node, out var member))
            return null;
        if (member.Spec.Role == NodeRole.Manager)
            return Wanted(state, node, description);
        // One that was demoted while its agent was away still runs one.
        return state.Identities.TryGetValue(node, out var identity) && identity.Manager is not null ? new V1.ManagerDuty { Wanted = false } : null;
    }

    /// <summary>What it is told after a change; null when its role is what it was.</summary>
    /// <param name="before">The state before.</param>
    /// <param name="state">The newest state.</param>
    /// <param name="node">The node.</param>
    /// <param name="description">What its agent says of the host.</param>
    public static V1.ManagerDuty? AfterChange(ClusterState before, ClusterState state, NodeId node, NodeDescription description)
    {
        if (!before.Nodes.TryGetValue(node, out var was) || !state.Nodes.TryGetValue(node, out var now) || was.Spec.Role == now.Spec.Role)
            return null;
        return now.Spec.Role == NodeRole.Manager ? Wanted(state, node, description) : new V1.ManagerDuty { Wanted = false };
    }

    // Without trust, or another manager to join, there is no cluster of managers. Where one runs already the agent leaves its file alone.
    private static V1.ManagerDuty? Wanted(ClusterState state, NodeId node, NodeDescription description)
    {
        var others = ManagerEndpoints.Of(state).Where(manager => manager.Node != node).Select(manager => manager.Url).ToList();
        if (state.Trust is not { } trust || others.Count == 0 || !IPAddress.TryParse(description.Address, out var address))
            return null;
        var authority = Pem.One(trust.Signing.CertificatePem, "the authority's certificate");
        var file = new ManagerFile
        {
            NodeId = node,
            Hostname = description.Hostname,
            Advertise = new IPEndPoint(address, ManagerFile.DefaultPort),
            JoinToken = JoinToken.For(authority, Convert.FromHexString(trust.SecretOf(NodeRole.Manager))),
            JoinManagers = [.. others],
        };
        return new V1.ManagerDuty { Wanted = true, ConfigJson = file.Format() };
    }
}
