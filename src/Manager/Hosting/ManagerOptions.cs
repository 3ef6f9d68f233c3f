using System.Collections.Immutable;
using System.Net;
using Berth.Consul;
using Berth.Manager.Keys;
using Berth.Telemetry;
using Microsoft.Extensions.Logging;

namespace Berth.Manager.Hosting;

/// <summary>How a manager runs, checked.</summary>
public sealed record ManagerOptions
{
    /// <summary>Where the state is kept.</summary>
    public string Directory { get; init; } = "/var/lib/berth/manager";

    /// <summary>What rows are sealed under; null until they are opened.</summary>
    public RowKeys? Keys { get; init; }

    /// <summary>Where it listens.</summary>
    public ImmutableArray<ListenAddress> Listen { get; init; } = [new ListenAddress.Socket("/run/berth/manager.sock")];

    /// <summary>Whether network addresses are allowed although nobody has to prove who he is.</summary>
    public bool IsLab { get; init; }

    /// <summary>Between two heartbeats of an agent.</summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Silence after which a node is down.</summary>
    public TimeSpan DownAfter { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long nodes that were not heard of since the start are left alone.</summary>
    public TimeSpan StartGrace { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A loopback address where metrics are read in the clear; null: nowhere but at the manager's own addresses.</summary>
    public IPEndPoint? Metrics { get; init; }

    /// <summary>Where this manager registers, so that others find it; null for nowhere.</summary>
    public ConsulAddress? Consul { get; init; }

    /// <summary>The least severe message that is logged.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    /// <summary>Whether the log is written for people or for programs.</summary>
    public LogFormat LogFormat { get; init; }

    /// <summary>Where the log's newest lines are kept.</summary>
    public RecentLogs RecentLogs { get; init; } = new();
}

/// <summary>What a command line asks for: options, or a text to print.</summary>
/// <param name="Options">Null when there is only a text to print.</param>
/// <param name="Text">Help or version, for stdout; null otherwise.</param>
/// <param name="Problems">Everything that is wrong; empty when nothing is.</param>
public sealed record ManagerCommandLine(ManagerOptions? Options, string? Text, ImmutableArray<string> Problems)
{
    /// <summary>How problems are to be said.</summary>
    public LogFormat LogFormat { get; init; }
}
