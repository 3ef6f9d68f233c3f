using System.Collections;
using System.CommandLine;
using Berth.Cli.Output;
using Berth.Model;
using Berth.Stacks;

namespace Berth.Cli.Commands.Stacks;

/// <summary>Stack files on the command line: reads them, shows every problem, and gives the spec.</summary>
internal sealed class StackFiles
{
    private const long LargestFile = 16 << 20;

    private readonly Option<string[]> _files = Flag.List("--compose-file", "file", "Path to a stack file, or \"-\" to read from stdin; later ones are laid over earlier ones", text => text, "-c");
    private readonly Option<bool> _swarm = Flag.Switch("--swarm-compatible", "Use Swarm's defaults where the file is silent, such as stop-first updates");

    /// <summary>The options, in the order of help.</summary>
    public Option[] Flags => [_files, _swarm];

    /// <summary>The spec of the files that are named.</summary>
    /// <returns>Null when there are problems; they have been shown.</returns>
    /// <exception cref="UserError">No file is named, or one cannot be read.</exception>
    public StackSpec? Read(CommandContext context, ParseResult parse, string stack)
    {
        var result = StackFile.Load(Documents(parse, stack), stack, Variables(), Options(parse));
        Show(context.Terminal, result);
        return result.Spec;
    }

    /// <summary>The spec of the files that are named, and one file that asks for the same.</summary>
    /// <returns>Null when there are problems; they have been shown.</returns>
    /// <exception cref="UserError">No file is named, or one cannot be read.</exception>
    public (StackSpec Spec, string Text)? Merge(CommandContext context, ParseResult parse, string stack)
    {
        var (result, text) = StackFile.Merge(Documents(parse, stack), stack, Variables(), Options(parse));
        Show(context.Terminal, result);
        return result.Spec is { } spec && text is not null ? (spec, text) : null;
    }

    private StackFileOptions Options(ParseResult parse) => new(parse.GetValue(_swarm));

    private List<StackDocument> Documents(ParseResult parse, string stack)
    {
        if (SpecRules.NameProblem(stack) is { } problem)
            throw UserError.Usage($"stack name: {problem}");
        var paths = parse.GetValue(_files) ?? [];
        return paths.Length > 0
            ? [.. paths.Select(Document)]
            : throw UserError.Usage("no stack file is named", $"berth stack deploy -c stack.yml {stack}");
    }

    private static StackDocument Document(string path)
    {
        try
        {
            if (path == "-")
                return new StackDocument("stdin", Directory.GetCurrentDirectory(), ReadStdin());
            if (Directory.Exists(path))
                throw UserError.Usage($"stack file '{path}' cannot be read: it is a folder", $"name a file in it: -c {Path.Combine(path, "stack.yml")}");
            if (new FileInfo(path) is { Exists: true, Length: > LargestFile } large)
                throw UserError.Usage($"stack file '{path}' has {large.Length} bytes; at most {LargestFile} are read");
            return new StackDocument(path, Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/", File.ReadAllBytes(path));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserError($"stack file '{path}' cannot be read: {error.Message}", "name a file that exists and may be read, or - for stdin", ExitCode.WrongUsage, error);
        }
    }

    private static byte[] ReadStdin()
    {
        using var content = new MemoryStream();
        using var stdin = Console.OpenStandardInput();
        stdin.CopyTo(content);
        return content.ToArray();
    }

    private static Dictionary<string, string> Variables()
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
            variables[(string)variable.Key] = (string?)variable.Value ?? "";
        return variables;
    }

    private static void Show(Terminal terminal, StackFileResult result)
    {
        foreach (var warning in result.Warnings)
            Show(terminal, "warning", warning);
        foreach (var wrong in result.Problems)
            Show(terminal, "error", wrong);
    }

    private static void Show(Terminal terminal, string what, StackFileProblem problem)
    {
        var path = problem.Path.Length > 0 ? $"{problem.Path}: " : "";
        terminal.Err.WriteLine($"{what}: {problem.File}:{problem.Line}:{problem.Column}: {path}{problem.Message}");
        if (problem.Next.Length > 0)
            terminal.Err.WriteLine($"  next: {problem.Next}");
    }
}
