using Berth.Cli.Output;

namespace Berth.Cli.Lab;

/// <summary>Stops, kills and starts one daemon of a host.</summary>
internal static class DaemonControl
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(40);

    /// <summary>
    /// <c>kill</c> is SIGKILL, after which the host restarts it as an init system would (unless <paramref name="hold"/>);
    /// <c>stop</c> is SIGTERM and it stays down; <c>start</c> lifts either.
    /// </summary>
    public static async Task RunAsync(LabRecord lab, int number, Daemon daemon, string verb, bool hold, CancellationToken cancel)
    {
        LabHost.Init(lab, number);
        var name = daemon.ToString().ToLowerInvariant();
        if (!File.Exists(Path.Combine(lab.HostDirectory(number), "daemons", name)))
            throw new UserError($"host {lab.HostName(number)} has no {name}", daemon == Daemon.Manager
                ? $"the manager is on {lab.HostName(1)}" : $"make the lab without --no-berth: berth lab up --name {lab.Name}", ExitCode.WrongUsage);
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
            return;
        if (verb == "stop")
            HostProcesses.Signal(id, HostProcesses.Terminate);
        else
            Kill(processes, daemon, id);
        if (!await Tool.UntilAsync(_ => Task.FromResult(!HostProcesses.IsAlive(id)), Limit, cancel))
            throw new UserError($"the {name} of {lab.HostName(number)} (process {id}) did not end within {Limit.TotalSeconds:0} s of SIGTERM",
                $"kill it: berth lab {name} {lab.HostName(number)} kill --name {lab.Name}");
    }

    private static void Kill(HostProcesses processes, Daemon daemon, int id)
    {
        HostProcesses.Signal(id, HostProcesses.Kill);
        if (daemon == Daemon.Engine && processes.Containerd is { } containerd)
            HostProcesses.Signal(containerd, HostProcesses.Kill);
    }

    private static async Task StartedAsync(LabRecord lab, int number, Daemon daemon, string name, CancellationToken cancel)
    {
        using var engine = new EngineClient(lab.EngineSocket(number));
        var isUp = await Tool.UntilAsync(async stop => HostProcesses.Read(lab, number)[daemon] is not null
            && (daemon != Daemon.Engine || await engine.AnswersAsync(stop)), Limit, cancel);
        if (!isUp)
            throw new UserError($"the {name} of {lab.HostName(number)} did not start: {LabHost.LastLine($"{lab.HostDirectory(number)}/log/{name}.log")}",
                $"read {lab.HostDirectory(number)}/log/{name}.log");
    }
}
