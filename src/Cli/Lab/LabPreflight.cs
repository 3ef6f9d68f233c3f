using Berth.Cli.Output;

namespace Berth.Cli.Lab;

/// <summary>What must be so before a lab is touched; says everything that is missing at once.</summary>
internal static class LabPreflight
{
    // Program → Debian package.
    private static readonly (string Tool, string Package)[] Tools =
    [
        ("dockerd", "docker.io"), ("ip", "iproute2"), ("iptables", "iptables"), ("nsenter", "util-linux"), ("unshare", "util-linux"),
        ("mount", "mount"), ("bash", "bash"), ("setsid", "util-linux"),
    ];

    // Longest path of a unix socket, without its closing zero byte.
    private const int LongestSocketPath = 107;

    public static void RequireRoot()
    {
        if (!Environment.IsPrivilegedProcess)
            throw new UserError("a lab needs root: it makes namespaces, mounts and network links", "run the same command as root, for example with sudo");
    }

    public static void Check(LabRecord lab)
    {
        (string Tool, string Package)[] needed = [.. Tools, .. lab.Registry ? [("docker-registry", "docker-registry")] : Array.Empty<(string, string)>()];
        var missing = needed.Where(need => !Tool.Exists(need.Tool)).ToList();
        if (missing.Count > 0)
            throw new UserError($"this machine lacks {string.Join(", ", missing.Select(need => need.Tool))}",
                $"apt-get install -y {string.Join(' ', missing.Select(need => need.Package).Distinct())}");

        if (lab.Clocks && LabClock.Library is null)
            throw new UserError("this machine lacks libfaketime, by which clocks are set", "apt-get install -y libfaketime; or leave --clocks out");
        if (lab is { DiskMegabytes: > 0 } && !Tool.Exists("mkfs.ext4"))
            throw new UserError("this machine lacks mkfs.ext4, and managers' disks need file systems", "apt-get install -y e2fsprogs; or leave --disk out");
        if (lab is { Berth: true, Managers: > 1 } && !Tool.Exists("etcd"))
            throw new UserError($"this machine lacks etcd, in which {lab.Managers} managers keep the state", "apt-get install -y etcd-server; or choose --managers 1");

        string[] binaries = lab.Berth ? [Path.Combine(lab.Binaries, "berth-agent"), Path.Combine(lab.Binaries, "manager/berth-manager")] : [];
        if (binaries.Where(file => !File.Exists(file)).ToList() is [_, ..] absent)
            throw new UserError($"{string.Join(" and ", absent)} do not exist, and the hosts run them",
                "build them: make publish; or name their folder in BERTH_BIN_DIR; or make hosts with engines only: --no-berth");

        if (lab.ManagerSocket(lab.Hosts).Length > LongestSocketPath)
            throw new UserError($"{lab.ManagerSocket(lab.Hosts)} is too long for a unix socket ({LongestSocketPath} characters at most)",
                "choose a shorter folder with --dir", ExitCode.WrongUsage);
        if (lab.Directory.Any(char.IsWhiteSpace) || lab.Directory.Contains('"', StringComparison.Ordinal))
            throw new UserError($"the lab's folder '{lab.Directory}' has spaces or quotes in its name", "choose another folder with --dir", ExitCode.WrongUsage);
    }
}
