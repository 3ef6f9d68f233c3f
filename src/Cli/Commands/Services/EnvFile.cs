using Berth.Cli.Output;

namespace Berth.Cli.Commands.Services;

/// <summary>Reads <c>--env-file</c>: <c>KEY=VALUE</c> a line, <c>#</c> begins a comment line.</summary>
internal static class EnvFile
{
    /// <summary>The file's entries; a bare <c>KEY</c> takes this process's value, and is left out where it has none.</summary>
    /// <exception cref="UserError">The file cannot be read, or a line is no entry.</exception>
    public static IEnumerable<string> Read(string path, Func<string, string?> environment)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserError($"--env-file '{path}': {error.Message}", null, ExitCode.WrongUsage, error);
        }
        return Parse(path, lines, environment);
    }

    /// <summary>The entries of these lines.</summary>
    public static List<string> Parse(string path, IEnumerable<string> lines, Func<string, string?> environment)
    {
        var entries = new List<string>();
        foreach (var (at, line) in lines.Index())
        {
            var text = line.TrimStart();
            if (text.Length == 0 || text[0] == '#')
                continue;
            var key = text.Split('=', 2)[0];
            if (key.Length == 0 || key.Any(char.IsWhiteSpace))
                throw UserError.Usage($"{path}:{at + 1}: '{text}' is not an environment variable", "write KEY=VALUE");
            if (text.Contains('=', StringComparison.Ordinal))
                entries.Add(text);
            else if (environment(key) is { } value)
                entries.Add($"{key}={value}");
        }
        return entries;
    }
}
