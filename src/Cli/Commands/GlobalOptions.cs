using System.CommandLine;

namespace Berth.Cli.Commands;

/// <summary>Options that every command takes.</summary>
internal static class GlobalOptions
{
    /// <summary>Which manager to ask.</summary>
    public static readonly Option<string?> Host = new("--host", "-H")
    {
        Description = "Manager to ask: unix:///PATH, https://HOST:PORT or consul://HOST:8500/SERVICE, several separated by commas (default: BERTH_HOST, else unix:///run/berth/manager.sock)",
        HelpName = "url",
        Recursive = true,
    };

    /// <summary>Which cluster to ask, as whom.</summary>
    public static readonly Option<string?> Context = new("--context")
    {
        Description = "Cluster to ask, by the name of a context (default: BERTH_CONTEXT, else the one of 'berth context use')",
        HelpName = "name",
        Recursive = true,
    };

    /// <summary>Whether reads come from the leader.</summary>
    public static readonly Option<bool> Consistent = new("--consistent")
    {
        Description = "Answer reads from the newest state, which only the leader knows",
        Recursive = true,
    };

    /// <summary>All of them, in the order help shows them.</summary>
    public static IReadOnlyList<Option> All { get; } = [Host, Context, Consistent];
}
