namespace Berth.Cli.Lab;

/// <summary>How a daemon of a host is started.</summary>
/// <param name="Name">Such as <c>manager</c>.</param>
/// <param name="Script">A small shell script that the host's process 1 runs.</param>
/// <param name="Wanted">It runs only while this file exists; null for always.</param>
internal sealed record DaemonScript(string Name, string Script, string? Wanted = null);

/// <summary>How each daemon of a host is started.</summary>
internal static class DaemonScripts
{
    /// <summary>The daemons of a host. Managers and etcd run where the cluster wants them, which files say.</summary>
    public static IEnumerable<DaemonScript> For(LabRecord lab, int number)
    {
        yield return new("engine", Engine(lab, number));
        if (!lab.Berth)
            yield break;
        yield return new("manager", Manager(lab, number), lab.ManagerConfig(number));
        yield return new("etcd", Exec(["etcd", "--config-file", lab.EtcdConfig(number)]), lab.EtcdConfig(number));
        yield return new("agent", Agent(lab, number));
    }

    private static string Engine(LabRecord lab, int number)
    {
        var host = lab.HostDirectory(number);
        string[] arguments =
        [
            "dockerd", "--data-root", $"{host}/data", "--exec-root", "/run/docker", "--pidfile", "/run/docker.pid",
            "-H", $"unix://{lab.EngineSocket(number)}",
            // Systemd, where there is one, is not the hosts' to use.
            "--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", $"/{lab.Name}/{number}/ctr",
            "--label", $"lab.host={lab.HostName(number)}",
            .. Runtime(lab),
            .. lab.LiveRestore ? ["--live-restore"] : Array.Empty<string>(),
            // Given also without a registry, so that one can be added while the engines run.
            "--insecure-registry", ImagePush.Registry,
            .. lab.EngineArguments,
        ];
        return $"rm -f {Quote(lab.EngineSocket(number))} /run/docker.pid\n{Exec(arguments)}";
    }

    // By which containers come into networks of the cluster; where it was not built, nodes say that they lack it.
    private static string[] Runtime(LabRecord lab) =>
        Path.Combine(lab.Binaries, "berth-runc") is var wrapper && lab.Berth && File.Exists(wrapper) ? ["--add-runtime", $"berth={wrapper}"] : [];

    private static string Manager(LabRecord lab, int number) => LabClock.Preload(lab, number) + Exec(
    [
        Path.Combine(lab.Binaries, "manager/berth-manager"), "--data", Path.Combine(lab.HostDirectory(number), "manager"),
        "--listen", "unix://" + lab.ManagerSocket(number),
    ]);

    private static string Agent(LabRecord lab, int number) => LabClock.Preload(lab, number) + Exec(
    [
        Path.Combine(lab.Binaries, "berth-agent"), "--data", Path.Combine(lab.HostDirectory(number), "agent"),
        "--engine", "unix://" + lab.EngineSocket(number), "--hostname", lab.HostName(number), "--address", lab.Network.Address(number),
    ]);

    private static string Exec(IEnumerable<string> command) => $"exec {string.Join(' ', command.Select(Quote))}\n";

    /// <summary>Quotes for the shell.</summary>
    internal static string Quote(string text) =>
        text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '-' or '.' or ':' or '=' or '_' or ',')
            ? text
            : $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
