using System.CommandLine;

namespace Berth.Cli.Commands;

/// <summary>Options that every command takes.</summary>
internal static class GlobalOptions
{
    /// <summary>Which manager to ask.</summary>
    public static readonly Option<string?> Host = new("--host", "-H")
    {
        Description = "Manager to ask: unix:///PATH or http://HOST:PORT (default: BERTH_HOST, else unix:///run/berth/manager.sock)",
        HelpName = "url",
        Recursive = true,
    };
}
