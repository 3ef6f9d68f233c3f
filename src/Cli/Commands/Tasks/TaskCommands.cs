using System.CommandLine;
using Berth.Docker;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Tasks;

/// <summary><c>berth task</c>.</summary>
internal static class TaskCommands
{
    /// <summary>The command and those below it.</summary>
    /// <param name="context">What they work with.</param>
    /// <param name="named">The one that is run; null for all.</param>
    public static Command Build(CommandContext context, string? named) => new BerthCommand("task", "Manage tasks").With(named,
        ("ls", () => List(context)),
        ("inspect", () => Inspect(context)),
        ("logs", () => LogsCommand.OfTask(context)),
        ("exec", () => TaskExec.Build(context)));

    private static BerthCommand List(CommandContext context)
    {
        var list = new TaskLists();
        return new BerthCommand("ls", "List all tasks of the cluster", "berth task ls", "berth task ls --filter node=berth2 --filter desired-state=running")
            .Alias("list")
            .With(list.Options)
            .Does(context, (parse, client, cancel) => list.Print(context, parse, client, new ListTasksRequest(), "list tasks", cancel));
    }

    private static Command Inspect(CommandContext context) => Inspection.Build(
        context,
        new BerthCommand("inspect", "Display detailed information on one or more tasks", "berth task inspect web.1", "berth task inspect --format '{{.Status.State}}' web.1"),
        Naming.Tasks(),
        DockerJson.Default.DockerTask,
        async (client, name, cancel) =>
        {
            var request = new GetTaskRequest { Task = name };
            return (await client.Ask($"inspect task '{name}'", (control, call) => control.GetTaskAsync(request, call), cancel)).ToDocker();
        });
}
