using Berth.Agent.Engine;
using Berth.Agent.Membership;
using Berth.Agent.Tasks;
using Berth.Model.Networks;
using Berth.Telemetry;
using Microsoft.Extensions.Logging;

namespace Berth.Agent.Session;

/// <summary>What a session works with; the same for every session of the agent's life.</summary>
public sealed record SessionParts
{
    /// <summary>The agent's memory.</summary>
    public required AgentStateFile State { get; init; }
    /// <summary>Who the agent is.</summary>
    public required AgentIdentity Identity { get; init; }
    /// <summary>Where tasks are kept.</summary>
    public required TaskKeeper Keeper { get; init; }
    /// <summary>Where tasks are shown.</summary>
    public required TaskBoard Board { get; init; }
    /// <summary>What is known of the engine.</summary>
    public required EngineHealth Health { get; init; }
    /// <summary>The engine, for logs and exec.</summary>
    public required IEngine Engine { get; init; }
    /// <summary>What the node says of itself.</summary>
    public required NodeFacts Facts { get; init; }
    /// <summary>Whether a manager runs beside this agent by its flags.</summary>
    public required bool IsManager { get; init; }
    /// <summary>This node's membership.</summary>
    public required NodeMembership Membership { get; init; }
    /// <summary>A manager on this host.</summary>
    public required ManagerDuty Duty { get; init; }
    /// <summary>What managers tell of networks.</summary>
    public required NetworkFeed Networks { get; init; }
    /// <summary>What this host can do for networks, as it is now.</summary>
    public required Func<NodeNetworking> Networking { get; init; }
    /// <summary>What is wrong with the host's network, as it is now.</summary>
    public required Func<IEnumerable<string>> NetworkWarnings { get; init; }
    /// <summary>The agent's log.</summary>
    public required ILogger Log { get; init; }
    /// <summary>The log's newest lines.</summary>
    public required RecentLogs RecentLogs { get; init; }
    /// <summary>The agent's metrics, as they are now.</summary>
    public required Func<string> Metrics { get; init; }
    /// <summary>Whether this host shuts down; asked when the agent is told to end.</summary>
    public required Func<Task<bool>> HostStops { get; init; }
    /// <summary>The agent's clock.</summary>
    public required TimeProvider Time { get; init; }
}
