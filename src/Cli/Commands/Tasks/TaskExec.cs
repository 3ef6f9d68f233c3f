using System.CommandLine;
using Berth.Cli.Output;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Tasks;

/// <summary><c>berth task exec</c>: <c>docker exec</c> into a task's container, wherever it runs.</summary>
internal static class TaskExec
{
    /// <summary>The command; it exits with the container's command's exit code.</summary>
    public static Command Build(CommandContext context)
    {
        var interactive = Flag.Switch("--interactive", "Keep STDIN open", "-i");
        var tty = Flag.Switch("--tty", "Allocate a pseudo-TTY", "-t");
        var user = Flag.Text("--user", "user", "Username or UID (format: <name|uid>[:<group|gid>])", "-u");
        var dir = Flag.Text("--workdir", "path", "Working directory inside the container", "-w");
        var env = Flag.List("--env", "KEY=VALUE", "Set environment variables", text => FlagValues.Environment(text, context.Environment), "-e");
        var words = Naming.TaskAndCommand();
        return new BerthCommand("exec", "Execute a command in a task's container",
            "berth task exec web.1 cat /etc/hostname", "berth task exec -it web.1 sh", "echo hello | berth task exec -i web.1 cat")
            .With(interactive, tty, user, dir, env, Flag.Unsupported("--detach", "start what outlives a command as a service"),
                Flag.Unsupported("--privileged", "a command has the rights its container has"))
            .With(words)
            .Does(context, async (parse, client, cancel) =>
            {
                var start = Start(parse.GetRequiredValue(words), parse.GetValue(tty), parse.GetValue(interactive), parse.GetValue(user), parse.GetValue(dir), parse.GetValue(env) ?? []);
                if (start is { Tty: true, Stdin: true } && !RawTerminal.IsTerminal)
                    throw UserError.Usage("the input device is not a TTY", "leave out --tty, or run it in a terminal");
                using var session = new ExecSession(client);
                return await session.Run(start, cancel);
            });
    }

    /// <summary>The first message.</summary>
    public static ExecStart Start(IReadOnlyList<string> words, bool tty, bool stdin, string? user, string? dir, IEnumerable<string> env)
    {
        var start = new ExecStart { Task = words[0], Tty = tty, Stdin = stdin, User = user ?? "", Dir = dir ?? "" };
        start.Command.AddRange(words.Skip(1));
        start.Env.AddRange(env);
        if (tty && Window.Size(0) is { } size)
            start.Size = new TerminalSize { Rows = size.Rows, Columns = size.Columns };
        return start;
    }
}
