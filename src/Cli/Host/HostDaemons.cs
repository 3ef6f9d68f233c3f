using System.Globalization;
using System.Runtime.InteropServices;
using Berth.Cli.Output;
using Berth.Identity;

namespace Berth.Cli.Host;

/// <summary>Waits for what this host's daemons make of a wish, and says what is missing when they do not.</summary>
/// <param name="paths">Where they keep their files.</param>
/// <param name="note">Takes a line for people.</param>
/// <param name="time">The clock.</param>
internal sealed class HostDaemons(HostPaths paths, Action<string> note, TimeProvider time)
{
    private const int Terminate = 15;
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(50);

    /// <summary>How long a supervisor may take until it has started a daemon.</summary>
    public static readonly TimeSpan StartedWithin = TimeSpan.FromSeconds(10);

    /// <summary>How long joining and leaving may take before the wait ends; what is wished goes on.</summary>
    public static readonly TimeSpan DoneWithin = TimeSpan.FromSeconds(60);

    /// <summary>This process must be root's: the files are.</summary>
    /// <exception cref="UserError">It is not.</exception>
    public static void RequireRoot(string command)
    {
        if (!Environment.IsPrivilegedProcess)
            throw UserError.Usage($"'{command}' needs root: it tells this host's daemons what is wanted, in files that are root's", "run the same command as root, for example with sudo");
    }

    /// <summary>What the agent says, as soon as it says something.</summary>
    /// <exception cref="UserError">No agent runs on this host.</exception>
    public async Task<AgentStatus> AgentAsync(CancellationToken cancel)
    {
        AgentStatus? status = null;
        if (await UntilAsync(() => Task.FromResult((status = AgentStatus.Read(paths.AgentStatus)) is { NodeId.Length: > 0 }), StartedWithin, cancel))
            return status!;
        throw new UserError($"no berth-agent runs on this host: {paths.AgentStatus} is not there",
            "start it: systemctl enable --now berth-agent; without systemd: berth-agent, kept running by whatever supervises this host");
    }

    /// <summary>Waits until the agent belongs to a cluster and has a manager's ear.</summary>
    /// <exception cref="UserError">It was refused, or did not come to it in time.</exception>
    public async Task<AgentStatus> JoinedAsync(CancellationToken cancel)
    {
        AgentStatus? status = null;
        var said = "";
        var isDone = await UntilAsync(() =>
        {
            status = AgentStatus.Read(paths.AgentStatus);
            if (status is { State: JoinState.Joining, Error.Length: > 0 } && status.Error != said)
                note(said = status.Error);
            var isOver = status is { State: JoinState.Refused } or { State: JoinState.Joined, Manager.Length: > 0 };
            // An earlier refusal is still said until the wish was read.
            return Task.FromResult(isOver && !File.Exists(paths.JoinWish));
        }, DoneWithin, cancel);
        if (status is { State: JoinState.Refused } && isDone)
            throw new UserError($"this host may not join: {status.Error}", "get a token of the cluster: berth cluster token worker", ExitCode.NotAllowed);
        return isDone ? status! : throw new UserError(
            $"this host has not joined within {DoneWithin.TotalSeconds:0} s{(status is { Error.Length: > 0 } ? $": {status.Error}" : "")}",
            $"the agent goes on trying: see {paths.AgentStatus}, and its log; take the wish back with: rm {paths.JoinWish}", ExitCode.NotReached);
    }

    /// <summary>Waits until the agent has left.</summary>
    /// <exception cref="UserError">It did not in time.</exception>
    public async Task LeftAsync(CancellationToken cancel)
    {
        if (!await UntilAsync(() => Task.FromResult(!File.Exists(paths.LeaveWish) && AgentStatus.Read(paths.AgentStatus) is { State: JoinState.Unjoined }), DoneWithin, cancel))
            throw new UserError($"this host has not left within {DoneWithin.TotalSeconds:0} s", $"the agent goes on: see {paths.AgentStatus}, and its log", ExitCode.NotReached);
    }

    /// <summary>Waits until this host's manager answers.</summary>
    /// <param name="ask">Asks it; false while it does not answer.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <exception cref="UserError">Nobody started it, or it does not answer.</exception>
    public async Task ManagerAsync(Func<CancellationToken, Task<bool>> ask, CancellationToken cancel)
    {
        if (!await UntilAsync(async () => File.Exists(paths.ManagerPid) || await ask(cancel), StartedWithin, cancel))
            throw new UserError($"nobody started berth-manager within {StartedWithin.TotalSeconds:0} s",
                $"have this host's supervisor start it where {paths.ManagerConfig} exists: systemctl enable --now berth-manager; without systemd: "
                + $"berth-manager --data {paths.Manager} --listen {paths.Socket.Url}; then run the same command again");
        if (!await UntilAsync(() => ask(cancel), DoneWithin, cancel))
            throw new UserError($"this host's manager does not answer at {paths.Socket.Url}", "read its log: journalctl -u berth-manager", ExitCode.Unreachable);
    }

    /// <summary>Ends this host's manager for good and forgets what it kept.</summary>
    public async Task ForgetManagerAsync(CancellationToken cancel)
    {
        File.Delete(paths.ManagerConfig);
        var member = Path.Combine(paths.Etcd, "etcd.yml");
        if (File.Exists(member))
            File.Delete(member);
        if (ManagerProcess() is { } process)
        {
            _ = Kill(process, Terminate);
            if (!await UntilAsync(() => Task.FromResult(ManagerProcess() != process), DoneWithin, cancel))
                throw new UserError($"this host's manager, process {process}, did not end within {DoneWithin.TotalSeconds:0} s of SIGTERM", $"kill it: kill -9 {process}; then run the same command again");
        }
        // The agent, told of a demotion, deletes the same at the same time, and etcd may still write.
        if (!await UntilAsync(() => Task.FromResult(IsEmptied(paths.Manager) && IsEmptied(paths.Etcd)), DoneWithin, cancel))
        {
            Empty(paths.Manager);
            Empty(paths.Etcd);
        }
    }

    private static bool IsEmptied(string folder)
    {
        try
        {
            Empty(folder);
            return true;
        }
        catch (IOException)
        {
            // Something of it went or came meanwhile.
            return false;
        }
    }

    // The folder itself may be where a disk is mounted.
    private static void Empty(string folder)
    {
        if (!Directory.Exists(folder))
            return;
        foreach (var file in Directory.EnumerateFiles(folder))
            File.Delete(file);
        foreach (var below in Directory.EnumerateDirectories(folder))
            Directory.Delete(below, recursive: true);
    }

    // A process id that a file holds is the manager's only while that process is one.
    private int? ManagerProcess()
    {
        try
        {
            return int.TryParse(File.ReadAllText(paths.ManagerPid).AsSpan().Trim(), CultureInfo.InvariantCulture, out var id)
                && File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/cmdline")).Contains("berth-manager", StringComparison.Ordinal) ? id : null;
        }
        catch (IOException)
        {
            // Neither the file nor the process is there.
            return null;
        }
    }

    private async Task<bool> UntilAsync(Func<Task<bool>> condition, TimeSpan limit, CancellationToken cancel)
    {
        for (var started = time.GetTimestamp(); time.GetElapsedTime(started) < limit;)
        {
            if (await condition())
                return true;
            await Task.Delay(LookEvery, time, cancel);
        }
        return await condition();
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = false)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);
}
