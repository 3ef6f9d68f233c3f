using System.CommandLine;
using Berth.Cli.Client;
using Berth.Cli.Client.Contexts;
using Berth.Cli.Output;
using Berth.Model;

namespace Berth.Cli.Commands;

/// <summary>What a command works with besides its arguments; everything a test wants to hold in its hand.</summary>
internal sealed record CommandContext
{
    /// <summary>Where output goes.</summary>
    public required Terminal Terminal { get; init; }

    /// <summary>Where secrets and files named - come from.</summary>
    public Keyboard Input { get; init; } = Keyboard.OfProcess();

    /// <summary>Environment variables; null for one that is not set.</summary>
    public required Func<string, string?> Environment { get; init; }

    /// <summary>The clock.</summary>
    public required TimeProvider Time { get; init; }

    /// <summary>For names that nobody gave.</summary>
    public required IdSource Ids { get; init; }

    /// <summary>The context of this process.</summary>
    public static CommandContext OfProcess() => new()
    {
        Terminal = Terminal.OfProcess(System.Environment.GetEnvironmentVariable),
        Environment = System.Environment.GetEnvironmentVariable,
        Time = TimeProvider.System,
        Ids = IdSource.Random,
    };

    /// <summary>A client of the manager that the command line or the environment names.</summary>
    public ManagerClient Connect(ParseResult parse) =>
        new(TargetChoice.Resolve(parse.GetValue(GlobalOptions.Host), parse.GetValue(GlobalOptions.Context), parse.GetValue(GlobalOptions.Consistent),
            Environment, Contexts, Time) with { Note = Terminal.Note }, Time);

    /// <summary>The user's contexts.</summary>
    public ContextStore Contexts => ContextStore.OfUser(Environment);
}
