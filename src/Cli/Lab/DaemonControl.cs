using Berth.Cli.Output;

namespace Berth.Cli.Lab;

/// <summary>Stops, kills, freezes and starts one daemon of a host.</summary>
internal static class DaemonControl
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(40);

    /// <summary>What can be done to a daemon.</summary>
    public static readonly string[] Verbs = ["kill", "stop", "start", "pause", "resume"];

    /// <summary>
    /// <c>kill</c> is SIGKILL, or another signal, after which the host restarts it as an init system would (unless
    /// <paramref name="hold"/>); <c>stop</c> is SIGTERM and it stays down; <c>start</c> lifts either; <c>pause</c> is SIGSTOP, which
    /// nobody is told of, and <c>resume</c> ends it.
    /// </summary>
    public static async Task RunAsync(LabRecord lab, int number, Daemon daemon, string verb, bool hold, int signal, CancellationToken cancel)
    {
        LabHost.Init(lab, number);
        var name = daemon.ToString().ToLowerInvariant();
        RequireDaemon(lab, number, daemon, name);
        var marker = Path.Combine(lab.HostDirectory(number), "stopped", name);
        if (verb == "start")
        {
            File.Delete(marker);
            await StartedAsync(lab, number, daemon, name, cancel);
            return;
        }
        if (verb == "stop" || hold)
            await File.WriteAllTextAsync(marker, "", cancel);
        var processes = HostProcesses.Read(lab, number);
        if (processes[daemon] is not { } id)
        {
            if (verb is "pause" or "resume")
                throw new UserError($"the {name} of {lab.HostName(number)} does not run", $"start it: berth lab {name} {lab.HostName(number)} start --name {lab.Name}");
            return;
        }
        if (verb is "pause" or "resume")
        {
            HostProcesses.Signal(id, verb == "pause" ? HostProcesses.Stop : HostProcesses.Continue);
            return;
        }
        if (verb == "stop")
            HostProcesses.Signal(id, HostProcesses.Terminate);
        else
            Kill(processes, daemon, id, signal);
        // A frozen process ends of SIGKILL only; every other signal waits until it is resumed.
        if (!await Tool.UntilAsync(_ => Task.FromResult(!HostProcesses.IsAlive(id)), Limit, cancel))
            throw new UserError($"the {name} of {lab.HostName(number)} (process {id}) did not end within {Limit.TotalSeconds:0} s of its signal",
                $"kill it: berth lab {name} {lab.HostName(number)} kill --name {lab.Name}");
    }

    /// <summary>The number of a signal that ends a daemon.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static int Signal(string text) => text.ToUpperInvariant().Replace("SIG", "", StringComparison.Ordinal) switch
    {
        "KILL" or "9" => HostProcesses.Kill,
        "TERM" or "15" => HostProcesses.Terminate,
        "INT" or "2" => 2,
        "QUIT" or "3" => 3,
        "ABRT" or "6" => 6,
        "SEGV" or "11" => 11,
        _ => throw new FormatException("write KILL, TERM, INT, QUIT, ABRT or SEGV; to freeze it there is the verb pause"),
    };

    private static void RequireDaemon(LabRecord lab, int number, Daemon daemon, string name)
    {
        if (!File.Exists(Path.Combine(lab.HostDirectory(number), "daemons", name)))
            throw new UserError($"host {lab.HostName(number)} has no {name}", $"make the lab without --no-berth: berth lab up --name {lab.Name}", ExitCode.WrongUsage);
        var wanted = daemon switch { Daemon.Manager => lab.ManagerConfig(number), Daemon.Etcd => lab.EtcdConfig(number), _ => null };
        if (wanted is not null && !File.Exists(LabHost.Seen(lab, number, wanted)))
            throw new UserError($"host {lab.HostName(number)} has no {name}: {wanted} is not there", daemon == Daemon.Manager
                ? $"make it a manager's: berth node promote {lab.HostName(number)}" : "the store is not kept in etcd there: berth cluster status", ExitCode.WrongUsage);
    }

    private static void Kill(HostProcesses processes, Daemon daemon, int id, int signal)
    {
        HostProcesses.Signal(id, signal);
        if (daemon == Daemon.Engine && processes.Containerd is { } containerd)
            HostProcesses.Signal(containerd, signal);
    }

    private static async Task StartedAsync(LabRecord lab, int number, Daemon daemon, string name, CancellationToken cancel)
    {
        LabHost.Wake(lab, number, name);
        using var engine = new EngineClient(lab.EngineSocket(number));
        var isUp = await Tool.UntilAsync(async stop => HostProcesses.Read(lab, number)[daemon] is not null
            && (daemon != Daemon.Engine || await engine.AnswersAsync(stop)), Limit, cancel);
        if (!isUp)
            throw new UserError($"the {name} of {lab.HostName(number)} did not start: {LabHost.LastLine($"{lab.HostDirectory(number)}/log/{name}.log")}",
                $"read {lab.HostDirectory(number)}/log/{name}.log");
    }
}
