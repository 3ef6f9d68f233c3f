using System.CommandLine;
using Berth.Cli.Client;
using Berth.Cli.Output;

namespace Berth.Cli.Commands;

/// <summary>A command with examples for its help.</summary>
internal sealed class BerthCommand : Command, IHasExamples
{
    /// <summary>A command named <paramref name="name"/>.</summary>
    /// <param name="name">The word on the command line.</param>
    /// <param name="description">One sentence.</param>
    /// <param name="examples">Whole command lines; a test parses each.</param>
    public BerthCommand(string name, string description, params string[] examples)
        : base(name, description) => Examples = examples;

    /// <summary>Whole command lines that show its use.</summary>
    public IReadOnlyList<string> Examples { get; }

    /// <summary>Other words for the command.</summary>
    public BerthCommand Alias(params string[] words)
    {
        foreach (var word in words)
            Aliases.Add(word);
        return this;
    }

    /// <summary>Adds options, in the order help shows them.</summary>
    public BerthCommand With(params Option[] options)
    {
        foreach (var option in options)
            Options.Add(option);
        return this;
    }

    /// <summary>Adds arguments, in their order.</summary>
    public BerthCommand With(params Argument[] arguments)
    {
        foreach (var argument in arguments)
            Arguments.Add(argument);
        return this;
    }

    /// <summary>Adds commands below this one: only the one that the command line names, where it names one of them.</summary>
    /// <param name="named">The word after this command's on the line being run; null for all of them.</param>
    /// <param name="commands">Every command below, and how it is made.</param>
    public BerthCommand With(string? named, params (string Name, Func<Command> Build)[] commands)
    {
        foreach (var command in LineWords.Choose(named, commands))
            Subcommands.Add(command);
        return this;
    }

    /// <summary>What it does, without a manager.</summary>
    public BerthCommand Does(Func<ParseResult, CancellationToken, Task<int>> run)
    {
        SetAction(run);
        return this;
    }

    /// <summary>What it does with a manager.</summary>
    public BerthCommand Does(CommandContext context, Func<ParseResult, ManagerClient, CancellationToken, Task<int>> run) =>
        Does(async (parse, cancel) =>
        {
            using var client = context.Connect(parse);
            return await run(parse, client, cancel);
        });
}
