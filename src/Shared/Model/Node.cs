using System.Net;
using Berth.Model.Networks;

namespace Berth.Model;

/// <summary>A host of the cluster, as managers keep it.</summary>
public sealed record Node
{
    /// <summary>Its id; the agent made it once and keeps it.</summary>
    public required NodeId Id { get; init; }
    /// <summary>Index of the commit that last changed it.</summary>
    public long Version { get; init; }
    /// <summary>When it first registered.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
    /// <summary>When it was last changed.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
    /// <summary>What people decided about it.</summary>
    public NodeSpec Spec { get; init; } = new();
    /// <summary>What its agent says of it.</summary>
    public required NodeDescription Description { get; init; }
    /// <summary>Whether it can be reached. Soft: never stored, learned anew by each leader.</summary>
    public NodeStatus Status { get; init; } = NodeStatus.Unknown;
    /// <summary>Its number in the cluster's networks, from 1; 0 while it has none.</summary>
    public int Number { get; init; }
    /// <summary>Addresses that its tasks have.</summary>
    public ValueList<NodeSlice> Slices { get; init; }
}

/// <summary>What people decided about a node.</summary>
public sealed record NodeSpec
{
    /// <summary>What the scheduler may do with it.</summary>
    public NodeAvailability Availability { get; init; } = NodeAvailability.Active;
    /// <summary>Worker or manager.</summary>
    public NodeRole Role { get; init; } = NodeRole.Worker;
    /// <summary>Labels set with <c>node update</c>.</summary>
    public ValueMap Labels { get; init; } = ValueMap.Empty;
}

/// <summary>What the scheduler may do with a node.</summary>
public enum NodeAvailability
{
    /// <summary>Place tasks on it.</summary>
    Active = 0,
    /// <summary>Keep its tasks, place no more.</summary>
    Pause = 1,
    /// <summary>Move its tasks elsewhere.</summary>
    Drain = 2,
}

/// <summary>What a node does in the cluster.</summary>
public enum NodeRole
{
    /// <summary>Runs tasks.</summary>
    Worker = 0,
    /// <summary>Also runs a manager.</summary>
    Manager = 1,
}

/// <summary>Facts an agent reports.</summary>
public sealed record NodeDescription
{
    /// <summary>The host's name.</summary>
    public required string Hostname { get; init; }
    /// <summary>Address other nodes reach it at; empty when it has none but the local socket.</summary>
    public string Address { get; init; } = "";
    /// <summary>Operating system, such as <c>linux</c>.</summary>
    public string Os { get; init; } = "linux";
    /// <summary>Raw machine name, such as <c>x86_64</c>.</summary>
    public string Architecture { get; init; } = "";
    /// <summary>All CPU and memory of the host.</summary>
    public Resources Capacity { get; init; }
    /// <summary>The engine's version, such as <c>20.10.24</c>.</summary>
    public string EngineVersion { get; init; } = "";
    /// <summary>The API version the agent speaks with it, such as <c>1.41</c>.</summary>
    public string EngineApiVersion { get; init; } = "";
    /// <summary>The engine's own labels.</summary>
    public ValueMap EngineLabels { get; init; } = ValueMap.Empty;
    /// <summary>The agent's version.</summary>
    public string AgentVersion { get; init; } = "";
    /// <summary>What is wrong on the host in the agent's eyes (live-restore off, swarm active), one sentence each.</summary>
    public ValueList<string> Warnings { get; init; }
    /// <summary>Of a manager on the host: empty, <c>wanted</c> or <c>running</c>.</summary>
    public string Manager { get; init; } = "";
    /// <summary>What its agent can do for networks of the cluster.</summary>
    public NodeNetworking Networking { get; init; } = NodeNetworking.Unknown;
}

/// <summary>Whether a node can be reached.</summary>
/// <param name="State">Ready, down or unknown.</param>
/// <param name="Message">For people: since when and why.</param>
/// <param name="Since">When it came to this state, by the manager's clock.</param>
public sealed record NodeStatus(NodeState State, string Message, DateTimeOffset Since)
{
    /// <summary>Not heard of since this manager started.</summary>
    public static NodeStatus Unknown { get; } = new(NodeState.Unknown, "not heard of since the manager started", default);
}

/// <summary>Docker's node states.</summary>
public enum NodeState
{
    /// <summary>Not heard of since this manager started; its tasks are left alone for a grace time.</summary>
    Unknown = 0,
    /// <summary>Silent for too long; its tasks are replaced elsewhere.</summary>
    Down = 1,
    /// <summary>Its agent is connected.</summary>
    Ready = 2,
    /// <summary>Its stream broke and it is not yet silent for long enough to be down; no new tasks.</summary>
    Disconnected = 3,
}

/// <summary>Attributes of a node that constraints and spread preferences can ask for.</summary>
public static class NodeAttributes
{
    /// <summary>Whether every constraint holds on <paramref name="node"/>.</summary>
    public static bool Satisfies(this Node node, ValueList<Constraint> constraints)
    {
        foreach (var constraint in constraints)
        {
            if (!node.Satisfies(constraint))
                return false;
        }
        return true;
    }

    /// <summary>Whether <paramref name="constraint"/> holds on <paramref name="node"/>. A label the node lacks is an empty
    /// text: <c>==</c> fails, <c>!=</c> holds. Values are compared without regard to case.</summary>
    public static bool Satisfies(this Node node, Constraint constraint)
    {
        if (constraint.Key.Equals("node.ip", StringComparison.OrdinalIgnoreCase))
            return AddressMatches(node.Description.Address, constraint.Value) == constraint.IsEqual;

        var value = node.Attribute(constraint.Key);
        return value.Equals(constraint.Value, StringComparison.OrdinalIgnoreCase) == constraint.IsEqual;
    }

    /// <summary>The node's value for a key of <see cref="Constraint.IsKnown"/>; empty when it has none.</summary>
    public static string Attribute(this Node node, string key)
    {
        const string nodeLabels = "node.labels.", engineLabels = "engine.labels.";
        if (key.StartsWith(nodeLabels, StringComparison.OrdinalIgnoreCase))
            return node.Spec.Labels.GetValueOrDefault(key[nodeLabels.Length..], "");
        if (key.StartsWith(engineLabels, StringComparison.OrdinalIgnoreCase))
            return node.Description.EngineLabels.GetValueOrDefault(key[engineLabels.Length..], "");

        return key.ToUpperInvariant() switch
        {
            "NODE.ID" => node.Id.ToString(),
            "NODE.HOSTNAME" => node.Description.Hostname,
            "NODE.ROLE" => node.Spec.Role == NodeRole.Manager ? "manager" : "worker",
            "NODE.PLATFORM.OS" => node.Description.Os,
            "NODE.PLATFORM.ARCH" => node.Description.Architecture,
            "NODE.IP" => node.Description.Address,
            _ => "",
        };
    }

    private static bool AddressMatches(string address, string asked)
    {
        if (!IPAddress.TryParse(address, out var ip))
            return false;
        return IPNetwork.TryParse(asked, out var network)
            ? network.Contains(ip)
            : IPAddress.TryParse(asked, out var single) && single.Equals(ip);
    }
}
