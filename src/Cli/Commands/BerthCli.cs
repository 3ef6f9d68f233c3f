using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Diagnostics;
using Berth.Cli.Commands.Clusters;
using Berth.Cli.Commands.Completion;
using Berth.Cli.Commands.Contexts;
using Berth.Cli.Commands.Debug;
using Berth.Cli.Commands.Networks;
using Berth.Cli.Commands.Nodes;
using Berth.Cli.Commands.Services;
using Berth.Cli.Commands.Stacks;
using Berth.Cli.Commands.Tasks;
using Berth.Cli.Output;
using Berth.Telemetry;

namespace Berth.Cli.Commands;

/// <summary>The whole command line: its tree, and how one line of it is run.</summary>
internal static class BerthCli
{
    /// <summary>The command tree.</summary>
    /// <param name="context">What commands work with.</param>
    /// <param name="more">Commands from other folders, such as <c>lab</c>.</param>
    public static RootCommand Build(CommandContext context, params (string Name, Func<Command> Build)[] more) =>
        Build(context, LineWords.None, more);

    /// <summary>As much of the command tree as a line needs that begins with these words.</summary>
    /// <param name="context">What commands work with.</param>
    /// <param name="line">The words; parsing that line gives the same with this tree as with the whole one.</param>
    /// <param name="more">Commands from other folders, such as <c>lab</c>.</param>
    public static RootCommand Build(CommandContext context, LineWords line, params (string Name, Func<Command> Build)[] more)
    {
        var root = new RootCommand("Berth: one cluster of many Docker hosts.");
        root.Directives.Clear();
        foreach (var option in GlobalOptions.All)
            root.Options.Add(option);
        (string Name, Func<Command> Build)[] commands =
        [
            ("stack", () => StackCommands.Build(context, line.Command)),
            ("service", () => ServiceCommands.Build(context, line.Command)),
            ("node", () => NodeCommands.Build(context, line.Command)),
            ("network", () => NetworkCommands.Build(context, line.Command)),
            ("cluster", () => ClusterCommands.Build(context, line)),
            ("context", () => ContextCommands.Build(context, line.Command)),
            ("task", () => TaskCommands.Build(context, line.Command)),
            ("events", () => EventsCommand.Build(context)),
            ("debug", () => DebugCommands.Build(context, line.Command)),
            ("info", () => InfoCommand.Build(context)),
            ("version", () => VersionCommand.Build(context)),
            .. more,
            ("completion", () => CompletionCommand.Build(context)),
        ];
        foreach (var command in LineWords.Choose(line.Group, commands))
            root.Subcommands.Add(command);
        if (root.Subcommands.Count > 1)
            root.Subcommands.Add(CompleteCommand.Build(context, root));
        ShowExamplesInHelp(root);
        ShowHelpForGroups(root, root);
        return root;
    }

    /// <summary>Parses as <see cref="Run"/> does. <c>@word</c> is a word, not a file of arguments.</summary>
    public static ParseResult Parse(RootCommand root, IReadOnlyList<string> arguments) =>
        root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });

    /// <summary>Runs one command line.</summary>
    /// <returns>One of <see cref="ExitCode"/>, or what <c>task exec</c>'s command returned.</returns>
    public static async Task<int> Run(RootCommand root, IReadOnlyList<string> arguments, CommandContext context)
    {
        var parse = Parse(root, arguments);
        try
        {
            if (UnknownWords.Find(parse) is { } unknown)
                throw unknown;
            if (parse.Action is ParseErrorAction)
                return ShowParseErrors(parse, context.Terminal);
            using var traces = TraceExport.Start("berth", VersionCommand.Client, Environment.GetEnvironmentVariable);
            using var span = traces is null ? null : BeginTrace(PathOf(parse.CommandResult.Command), context);
            return await parse.InvokeAsync(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                Output = context.Terminal.Out,
                Error = context.Terminal.Err,
            });
        }
        catch (UserError error)
        {
            context.Terminal.Show(error);
            return error.Code;
        }
        catch (IOException error)
        {
            // What commands read and connect to has errors of its own: what is left is stdout, such as a full disk.
            context.Terminal.Show(new UserError($"output could not be written: {error.Message}", "see whether the disk is full, or send it elsewhere"));
            return ExitCode.Failed;
        }
        catch (OperationCanceledException)
        {
            context.Terminal.Note("interrupted before the manager answered; what was asked may still take effect");
            return ExitCode.NotReached;
        }
    }

    // Under whoever started this program, where he has a trace of his own.
    private static Activity? BeginTrace(string path, CommandContext context)
    {
        var span = BerthTrace.Continue(path, Environment.GetEnvironmentVariable("TRACEPARENT")) ?? BerthTrace.Begin(path);
        if (span is not null)
            context.Terminal.Note($"trace {span.TraceId}");
        return span;
    }

    /// <summary>The words that name a command, such as <c>berth service create</c>.</summary>
    public static string PathOf(Command command)
    {
        var words = new List<string>();
        for (Command? at = command; at is not null; at = at.Parents.OfType<Command>().FirstOrDefault())
            words.Insert(0, at is RootCommand ? "berth" : at.Name);
        return string.Join(' ', words);
    }

    private static int ShowParseErrors(ParseResult parse, Terminal terminal)
    {
        // A word that fits nowhere is reported once for itself and once for what is then missing: the first is the cause.
        foreach (var message in parse.Errors.Select(error => Plain(error.Message)).Distinct())
            terminal.Err.WriteLine($"error: {message}");
        terminal.Err.WriteLine($"  next: {PathOf(parse.CommandResult.Command)} --help");
        return ExitCode.WrongUsage;
    }

    private static string Plain(string message)
    {
        var text = message.TrimEnd('.', '\n', ' ');
        return text.Length > 1 && char.IsUpper(text[0]) && char.IsLower(text[1]) ? char.ToLowerInvariant(text[0]) + text[1..] : text;
    }

    private static void ShowExamplesInHelp(RootCommand root)
    {
        var help = root.Options.OfType<HelpOption>().Single();
        if (help.Action is HelpAction standard)
            help.Action = new HelpWithExamples(standard);
    }

    private static void ShowHelpForGroups(RootCommand root, Command command)
    {
        if (command.Subcommands.Count > 0 && command.Action is null)
            command.SetAction(parse => BerthCli.Parse(root, [.. PathOf(command).Split(' ').Skip(1), "--help"]).Invoke(parse.InvocationConfiguration));
        foreach (var below in command.Subcommands)
            ShowHelpForGroups(root, below);
    }

    private sealed class HelpWithExamples(HelpAction standard) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            standard.MaxWidth = Window.Size(1)?.Columns ?? 120;
            var code = standard.Invoke(parseResult);
            if (parseResult.CommandResult.Command is IHasExamples { Examples.Count: > 0 } command)
            {
                var output = parseResult.InvocationConfiguration.Output;
                output.WriteLine("Examples:");
                foreach (var example in command.Examples)
                    output.WriteLine($"  {example}");
                output.WriteLine();
            }
            return code;
        }
    }
}
