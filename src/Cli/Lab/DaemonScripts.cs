namespace Berth.Cli.Lab;

/// <summary>How each daemon of a host is started, as small shell scripts that the host's process 1 runs.</summary>
internal static class DaemonScripts
{
    /// <summary>The daemons of a host, file name and script.</summary>
    public static IEnumerable<(string Name, string Script)> For(LabRecord lab, int number)
    {
        yield return ("engine", Engine(lab, number));
        if (!lab.Berth)
            yield break;
        if (number == 1)
            yield return ("manager", Manager(lab));
        yield return ("agent", Agent(lab, number));
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
            .. lab.LiveRestore ? ["--live-restore"] : Array.Empty<string>(),
            // Given also without a registry, so that one can be added while the engines run.
            "--insecure-registry", ImagePush.Registry,
            .. lab.EngineArguments,
        ];
        return $"rm -f {Quote(lab.EngineSocket(number))} /run/docker.pid\n{Exec(arguments)}";
    }

    private static string Manager(LabRecord lab) => Exec(
    [
        Path.Combine(lab.Binaries, "manager/berth-manager"), "--data", Path.Combine(lab.HostDirectory(1), "manager"),
        "--listen", "unix://" + lab.ManagerSocket, "--listen", lab.ManagerUrl, "--lab",
    ]);

    private static string Agent(LabRecord lab, int number) => Exec(
    [
        Path.Combine(lab.Binaries, "berth-agent"), "--manager", lab.ManagerUrl, "--data", Path.Combine(lab.HostDirectory(number), "agent"),
        "--engine", "unix://" + lab.EngineSocket(number), "--hostname", lab.HostName(number), "--address", lab.Network.Address(number),
        "--role", number == 1 ? "manager" : "worker",
    ]);

    private static string Exec(IEnumerable<string> command) => $"exec {string.Join(' ', command.Select(Quote))}\n";

    /// <summary>Quotes for the shell.</summary>
    internal static string Quote(string text) =>
        text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '-' or '.' or ':' or '=' or '_' or ',')
            ? text
            : $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
