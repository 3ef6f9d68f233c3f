using System.CommandLine;
using System.CommandLine.Completions;

namespace Berth.Cli.Commands.Completion;

/// <summary>What may stand at the end of a command line, found by walking the real command tree: pure.</summary>
internal static class Completer
{
    /// <summary>The candidates for the last of <paramref name="words"/>.</summary>
    /// <param name="root">The command tree.</param>
    /// <param name="words">The words after <c>berth</c>; the last is the one being written, perhaps empty.</param>
    /// <returns>Words with their descriptions, and what else a manager can name there.</returns>
    public static (IReadOnlyList<(string Word, string Help)> Words, Named? Names) Find(RootCommand root, IReadOnlyList<string> words)
    {
        Command command = root;
        Option? open = null;
        var position = 0;
        foreach (var word in words.SkipLast(1))
        {
            if (open is not null)
                open = null;
            else if (word.StartsWith('-'))
                open = OptionOf(root, command, word) is { } option && TakesValue(option) ? option : null;
            else if (position == 0 && command.Subcommands.FirstOrDefault(below => below.Name == word || below.Aliases.Contains(word)) is { } below)
                command = below;
            else
                position++;
        }

        var last = words.Count == 0 ? "" : words[^1];
        if (open is not null)
            return (Matching(open.GetCompletions(CompletionContext.Empty).Select(item => (item.Label, "")), last), null);
        if (last.StartsWith('-'))
            return (Matching(OptionsOf(root, command).Select(option => (option.Name, option.Description ?? "")), last), null);
        if (command.Subcommands.Count > 0)
            return (Matching(command.Subcommands.Where(below => !below.Hidden).Select(below => (below.Name, below.Description ?? "")), last), null);
        var argument = command.Arguments.ElementAtOrDefault(Math.Min(position, command.Arguments.Count - 1));
        var words2 = argument is null ? [] : Matching(argument.GetCompletions(CompletionContext.Empty).Select(item => (item.Label, "")), last);
        return (words2, argument is INaming naming && IsNameAt(argument, position) ? naming.Kind : null);
    }

    // Where a task stands before a command, only the first word is a name.
    private static bool IsNameAt(Argument argument, int position) => !argument.CaptureRemainingTokens || position == 0;

    private static IEnumerable<Option> OptionsOf(RootCommand root, Command command) =>
        command.Options.Concat(command == root ? [] : root.Options.Where(option => option.Recursive)).Where(option => !option.Hidden).DistinctBy(option => option.Name);

    private static Option? OptionOf(RootCommand root, Command command, string word) =>
        command.Options.Concat(root.Options).FirstOrDefault(option => option.Name == word || option.Aliases.Contains(word));

    private static bool TakesValue(Option option) => option.ValueType != typeof(bool) && option.Arity.MaximumNumberOfValues > 0;

    private static IReadOnlyList<(string, string)> Matching(IEnumerable<(string Word, string Help)> candidates, string start) =>
        [.. candidates.Where(candidate => candidate.Word.StartsWith(start, StringComparison.Ordinal)).OrderBy(candidate => candidate.Word, StringComparer.Ordinal)];
}
