using System.CommandLine;
using Berth.Cli.Output;
using Berth.Docker;
using Berth.Protocol;

namespace Berth.Cli.Commands.Stacks;

/// <summary><c>berth stack config</c>: what files ask for, without asking for it.</summary>
internal static class StackConfig
{
    /// <summary>The command. It prints one stack file that asks for the same, or the services in the shape of <c>service inspect</c>.</summary>
    public static Command Build(CommandContext context)
    {
        var files = new StackFiles();
        var format = Flag.Text("--format", "format", "yaml: one stack file (default); json: the services' specs");
        var stack = new Argument<string>("STACK") { Description = "Name of the stack (default: stack)", DefaultValueFactory = _ => "stack" };
        return new BerthCommand("config", "Check stack files and print them as one, with variables replaced",
            "berth stack config -c stack.yml", "berth stack config -c stack.yml -c production.yml --format json shop")
            .With([.. files.Flags, format])
            .With(stack)
            .Does((parse, _) =>
            {
                var show = parse.GetValue(format) ?? "yaml";
                if (show is not ("yaml" or "json"))
                    throw UserError.Usage($"--format '{show}' is not a format", "write yaml or json");
                if (files.Merge(context, parse, parse.GetValue(stack) ?? "stack") is not { } merged)
                    return Task.FromResult(ExitCode.WrongUsage);
                context.Terminal.Out.Write(show == "yaml"
                    ? merged.Text
                    : JsonText.Array([.. merged.Spec.Services.Select(service => service.ToWire().ToDocker())], DockerJson.Default.DockerServiceSpec));
                return Task.FromResult(ExitCode.Done);
            });
    }
}
