using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using Berth.Cli.Output;
using Berth.Stacks.Values;

namespace Berth.Cli.Commands;

/// <summary>Finds the word that fits nowhere: pure. System.CommandLine takes a flag that does not exist for a name
/// (<c>service update --nonsense web</c> would update a service called '--nonsense'), and reports every word after a wrong one.</summary>
internal static class UnknownWords
{
    /// <summary>The error of the first word that is neither flag nor command nor argument; null when there is none, or help
    /// is asked for.</summary>
    public static UserError? Find(ParseResult parse)
    {
        if (parse.GetResult(parse.RootCommandResult.Command.Options.OfType<HelpOption>().Single()) is { Implicit: false })
            return null;
        var command = parse.CommandResult.Command;
        if ((UnknownFlag(parse) ?? (parse.UnmatchedTokens is [var first, ..] ? first : null)) is not { } word)
            return null;
        var near = Nearest.To(word.Split('=')[0], word.StartsWith('-') ? Flags(command) : Commands(command));
        var path = BerthCli.PathOf(command);
        var next = near is null ? $"{path} --help" : $"did you mean {near}? See {path} --help";
        return UserError.Usage($"unrecognized command or argument '{word}'", next);
    }

    // Behind -- a dash means nothing, and of an image or task and its command only the first word is not the command's.
    private static string? UnknownFlag(ParseResult parse)
    {
        var free = parse.Tokens.SkipWhile(token => token.Type != TokenType.DoubleDash).ToHashSet<Token>(ReferenceEqualityComparer.Instance);
        return (from result in parse.CommandResult.Children.OfType<ArgumentResult>()
                from token in result.Argument.CaptureRemainingTokens ? result.Tokens.Take(1) : result.Tokens
                where token.Value.Length > 1 && token.Value.StartsWith('-') && !free.Contains(token)
                select token.Value).FirstOrDefault();
    }

    private static IEnumerable<string> Flags(Command command) =>
        command.Options.Concat(Above(command).SelectMany(above => above.Options).Where(option => option.Recursive))
            .Where(option => !option.Hidden).Select(option => option.Name);

    private static IEnumerable<string> Commands(Command command) =>
        command.Subcommands.Where(below => !below.Hidden).Select(below => below.Name);

    private static IEnumerable<Command> Above(Command command) =>
        command.Parents.OfType<Command>().SelectMany(parent => Above(parent).Prepend(parent));
}
