using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Manager.Leadership;

/// <summary>How this process takes part in who leads.</summary>
public sealed record LeadershipOptions
{
    /// <summary>This manager's node id.</summary>
    public NodeId Me { get; init; }

    /// <summary>Where it answers other managers; empty when it is alone.</summary>
    public string Url { get; init; } = "";

    /// <summary>The store's record; null where the store keeps none.</summary>
    public SharedRecord? Record { get; init; }

    /// <summary>How fast the lead moves.</summary>
    public LeadershipTimes Times { get; init; } = new();
}

/// <summary>A record of who leads.</summary>
/// <param name="Record">In the store.</param>
/// <param name="IsShared">Whether other processes can take it; else the lead is taken once and never renewed.</param>
public sealed record SharedRecord(ILeaderRecord Record, bool IsShared);
