using System.CommandLine;
using System.Globalization;
using System.Text;
using Berth.Cli.Output;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Debug;

/// <summary><c>berth debug</c>: what helps to find out what is wrong.</summary>
internal static class DebugCommands
{
    /// <summary>The command and those below it.</summary>
    /// <param name="context">What they work with.</param>
    /// <param name="named">The one that is run; null for all.</param>
    public static Command Build(CommandContext context, string? named) => new BerthCommand("debug", "Find out what is wrong: metrics, and everything in one file").With(named,
        ("bundle", () => Bundle(context)),
        ("metrics", () => Metrics(context)));

    private static BerthCommand Bundle(CommandContext context)
    {
        var output = Flag.Text("--output", "file", "The file to write (default berth-debug-TIME.tar.gz)", "-o");
        var nodes = new Option<string[]>("--node") { Description = "Only this node; may be repeated", HelpName = "node", AllowMultipleArgumentsPerToken = false };
        var command = new BerthCommand("bundle", "Write logs, metrics and state of all managers and agents to one file, without secrets",
            "berth debug bundle", "berth debug bundle -o trouble.tar.gz --node worker1");
        command.With(output, nodes);
        return command.Does(context, async (parse, client, cancel) =>
        {
            var now = context.Time.GetUtcNow();
            var name = string.Create(CultureInfo.InvariantCulture, $"berth-debug-{now:yyyyMMdd-HHmmss}");
            var file = parse.GetValue(output) is { Length: > 0 } given ? given : $"{name}.tar.gz";
            var request = new CollectDebugRequest { Nodes = { parse.GetValue(nodes) ?? [] } };
            var bundle = new BundleFiles();
            await foreach (var part in client.FollowAdmin("collect what helps to find out what is wrong", (admin, call) => admin.CollectDebug(request, call), cancel))
                bundle.Add(part);
            using var draft = PrivateFile.Draft.Of(file);
            bundle.Write(draft.Stream, name, $"berth {VersionCommand.Client} collected this on {now:u} from {client.Address.Url}.", now);
            draft.Finish();
            context.Terminal.Out.WriteLine(file);
            foreach (var (source, problem) in bundle.Problems)
                context.Terminal.Note($"not in it: {source}: {problem}");
            context.Terminal.Note("Names of nodes, services and images are in it; keys, tokens and values of environment variables are not.");
            return ExitCode.Done;
        });
    }

    private static BerthCommand Metrics(CommandContext context)
    {
        var node = new Argument<string[]>("node") { Description = "Nodes; all when none is named", Arity = ArgumentArity.ZeroOrMore };
        var command = new BerthCommand("metrics", "Print the metrics of managers and agents, as Prometheus reads them", "berth debug metrics", "berth debug metrics worker1");
        command.With(node);
        return command.Does(context, async (parse, client, cancel) =>
        {
            var request = new ReadMetricsRequest { Nodes = { parse.GetValue(node) ?? [] } };
            var bundle = new BundleFiles();
            await foreach (var part in client.FollowAdmin("read metrics", (admin, call) => admin.ReadMetrics(request, call), cancel))
                bundle.Add(part);
            foreach (var (path, content) in bundle.Files)
            {
                context.Terminal.Out.WriteLine($"# {path.Split("/metrics.txt")[0]}");
                context.Terminal.Out.Write(Encoding.UTF8.GetString(content));
            }
            foreach (var (source, problem) in bundle.Problems)
                context.Terminal.Note($"{source}: {problem}");
            return bundle.Problems.Count == 0 ? ExitCode.Done : ExitCode.Failed;
        });
    }
}
