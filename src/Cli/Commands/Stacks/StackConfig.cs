using System.CommandLine;
using Berth.Cli.Output;
using Berth.Docker;
using Berth.Protocol;

namespace Berth.Cli.Commands.Stacks;

/// <summary><c>berth stack config</c>: what a file asks for, without asking for it.</summary>
internal static class StackConfig
{
    /// <summary>The command. It prints the services' specs in the shape of <c>service inspect</c>.</summary>
    public static Command Build(CommandContext context)
    {
        var files = new StackFiles();
        var stack = new Argument<string>("STACK") { Description = "Name of the stack (default: stack)", DefaultValueFactory = _ => "stack" };
        return new BerthCommand("config", "Check stack files and print the services they ask for, as JSON",
            "berth stack config -c stack.yml", "berth stack config -c stack.yml -c production.yml shop")
            .With(files.Options)
            .With(stack)
            .Does((parse, _) =>
            {
                if (files.Read(context, parse, parse.GetValue(stack) ?? "stack") is not { } spec)
                    return Task.FromResult(ExitCode.WrongUsage);
                context.Terminal.Out.Write(JsonText.Array([.. spec.Services.Select(service => service.ToWire().ToDocker())], DockerJson.Default.DockerServiceSpec));
                return Task.FromResult(ExitCode.Done);
            });
    }
}
