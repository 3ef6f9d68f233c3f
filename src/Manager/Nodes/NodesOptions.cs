namespace Berth.Manager.Nodes;

/// <summary>When a silent node is called down.</summary>
public sealed class NodesOptions
{
    /// <summary>Between two heartbeats of an agent; told to agents when they register.</summary>
    public TimeSpan Period { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Silence after which a node is down: at exactly this, not one tick later.</summary>
    public TimeSpan DownAfter { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>After the manager's start, a node that has not been heard of is left alone for so long.</summary>
    public TimeSpan StartGrace { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>A node whose agent said that it is started again is down only after so long.</summary>
    public TimeSpan RestartGrace { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>What is wrong with the options, ending in what to change; null when they can be used.</summary>
    public string? Problem() =>
        Period < TimeSpan.FromMilliseconds(10)
            ? $"the heartbeat period is {Period.TotalSeconds:0.###} s and must be at least 0.01 s; raise --heartbeat"
        : DownAfter < 2 * Period
            ? $"a node would be down after {DownAfter.TotalSeconds:0.###} s, which must be at least twice the heartbeat period of {Period.TotalSeconds:0.###} s; raise --down-after or lower --heartbeat"
        : StartGrace < DownAfter
            ? $"the start grace is {StartGrace.TotalSeconds:0.###} s and must not be below --down-after ({DownAfter.TotalSeconds:0.###} s); raise --start-grace"
        : null;
}
