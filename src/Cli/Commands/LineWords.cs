using System.CommandLine;

namespace Berth.Cli.Commands;

/// <summary>The words that say which command a line runs. Making every command with all its flags costs more than most
/// commands do, so only the named one is made; whenever the words are not plainly there, all are, and the parser decides.</summary>
/// <param name="Group">Such as <c>service</c>; null when the line does not begin with a word.</param>
/// <param name="Command">Such as <c>ls</c>; null when no word follows.</param>
/// <param name="Below">The word after it, which names a command where the second is a group such as <c>cluster client</c>.</param>
internal readonly record struct LineWords(string? Group, string? Command, string? Below)
{
    /// <summary>Every command is made.</summary>
    public static LineWords None { get; } = new(null, null, null);

    /// <summary>Reads the words at the line's beginning; <c>--host</c> and its like may stand before them.</summary>
    public static LineWords Of(IReadOnlyList<string> line)
    {
        var at = 0;
        while (at < line.Count && IsGlobal(line[at], out var width))
            at += width;
        return new LineWords(Word(line, at), Word(line, at + 1), Word(line, at + 2));
    }

    /// <summary>The command of that name alone, or all when there is none.</summary>
    public static IEnumerable<Command> Choose(string? named, IReadOnlyList<(string Name, Func<Command> Build)> commands)
    {
        foreach (var (name, build) in commands)
        {
            if (name == named)
                return [build()];
        }
        return [.. commands.Select(command => command.Build())];
    }

    private static bool IsGlobal(string word, out int width)
    {
        foreach (var option in GlobalOptions.All)
        {
            var isAlone = word == option.Name || option.Aliases.Contains(word);
            width = isAlone && option.ValueType != typeof(bool) ? 2 : 1;
            if (isAlone || word.StartsWith(option.Name + "=", StringComparison.Ordinal))
                return true;
        }
        width = 0;
        return false;
    }

    private static string? Word(IReadOnlyList<string> line, int at) => at < line.Count && !line[at].StartsWith('-') ? line[at] : null;
}
