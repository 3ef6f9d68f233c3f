using System.Globalization;
using System.Text.RegularExpressions;

namespace Berth.Model;

/// <summary>Rules of what one container is.</summary>
internal static partial class ContainerRules
{
    private static readonly TimeSpan ShortestProbe = TimeSpan.FromMilliseconds(1);

    private static readonly HashSet<string> Signals = new(
        ["HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "IOT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
            "STKFLT", "CHLD", "CLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
            "POLL", "PWR", "SYS", "RTMIN", "RTMAX"],
        StringComparer.OrdinalIgnoreCase);

    private static readonly HashSet<string> Capabilities = new(
        ["ALL", "AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "BPF", "CHECKPOINT_RESTORE", "CHOWN", "DAC_OVERRIDE",
            "DAC_READ_SEARCH", "FOWNER", "FSETID", "IPC_LOCK", "IPC_OWNER", "KILL", "LEASE", "LINUX_IMMUTABLE", "MAC_ADMIN",
            "MAC_OVERRIDE", "MKNOD", "NET_ADMIN", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_RAW", "PERFMON", "SETFCAP", "SETGID",
            "SETPCAP", "SETUID", "SYSLOG", "SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT", "SYS_MODULE", "SYS_NICE", "SYS_PACCT",
            "SYS_PTRACE", "SYS_RAWIO", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "WAKE_ALARM"],
        StringComparer.OrdinalIgnoreCase);

    public static void Check(SpecProblems problems, ContainerSpec spec)
    {
        if (ImageReference.Problem(spec.Image) is { } wrongImage)
            problems.Add("image", wrongImage);
        for (var at = 0; at < spec.Env.Count; at++)
            Environment(problems, $"environment[{at}]", spec.Env[at]);
        SpecRules.Labels(problems, "labels", spec.Labels);
        problems.AddIf(spec.Hostname is { } host && !Hostname().IsMatch(host), "hostname",
            $"'{spec.Hostname}' is not a host name; use letters, digits, '-' and '.', at most 63 characters");
        problems.AddIf(spec.Dir is { } dir && !dir.StartsWith('/'), "working_dir", $"'{spec.Dir}' is not absolute; begin it with '/'");
        problems.AddIf(spec.User is { } user && !User().IsMatch(user), "user",
            $"'{spec.User}' is not a user; write NAME, UID, NAME:GROUP or UID:GID");
        problems.AddIf(spec.StopSignal is { } signal && !IsSignal(signal), "stop_signal",
            $"'{spec.StopSignal}' is not a signal; write a name such as SIGINT or a number from 1 to 64");
        if (spec.StopGracePeriod is { } grace)
            problems.NotNegative("stop_grace_period", grace);
        if (spec.Healthcheck is { } healthcheck)
            Check(problems, healthcheck);
        MountRules.Check(problems, spec.Mounts);
        CheckCapabilities(problems, "cap_add", spec.CapAdd);
        CheckCapabilities(problems, "cap_drop", spec.CapDrop);
    }

    private static void Environment(SpecProblems problems, string path, string entry)
    {
        var key = entry.Split('=', 2)[0];
        problems.AddIf(key.Length == 0, path, $"'{entry}' has no key; write KEY=VALUE");
        problems.AddIf(entry.Contains('\0', StringComparison.Ordinal), path, $"'{key}' has a value with a zero byte, which no process can be given");
    }

    private static void Check(SpecProblems problems, Healthcheck check)
    {
        var test = check.Test;
        if (!test.IsEmpty)
        {
            var wrong = (test[0], test.Count) switch
            {
                ("NONE", 1) or ("CMD", > 1) or ("CMD-SHELL", 2) => null,
                ("NONE", _) => "NONE turns the check off and takes nothing after it",
                ("CMD", _) => "CMD needs a program to run after it",
                ("CMD-SHELL", _) => "CMD-SHELL takes exactly one text, the shell's command line",
                _ => $"a test begins with CMD, CMD-SHELL or NONE, not with '{test[0]}'",
            };
            problems.AddIf(wrong is not null, "healthcheck.test", wrong ?? "");
        }
        Probe(problems, "healthcheck.interval", check.Interval);
        Probe(problems, "healthcheck.timeout", check.Timeout);
        Probe(problems, "healthcheck.start_period", check.StartPeriod);
        problems.NotNegative("healthcheck.retries", check.Retries);
    }

    // Zero means what null does, the image's or the engine's default: Docker's tools send it for what a file leaves out.
    private static void Probe(SpecProblems problems, string path, TimeSpan? span)
    {
        if (span is not { } value || value == TimeSpan.Zero)
            return;
        problems.NotNegative(path, value);
        problems.AddIf(value > TimeSpan.Zero && value < ShortestProbe, path, $"{value.TotalMicroseconds} us is shorter than the engine takes; write 1ms or more");
    }

    private static void CheckCapabilities(SpecProblems problems, string path, ValueList<string> names)
    {
        for (var at = 0; at < names.Count; at++)
        {
            var bare = names[at].StartsWith("CAP_", StringComparison.OrdinalIgnoreCase) ? names[at][4..] : names[at];
            problems.AddIf(!Capabilities.Contains(bare), $"{path}[{at}]", $"'{names[at]}' is not a capability; write one such as NET_ADMIN, or ALL");
        }
    }

    private static bool IsSignal(string text)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return number is >= 1 and <= 64;
        var bare = text.StartsWith("SIG", StringComparison.OrdinalIgnoreCase) ? text[3..] : text;
        return Signals.Contains(bare) || RealTimeSignal().IsMatch(bare);
    }

    [GeneratedRegex(@"^RTM(IN\+([1-9]|1[0-5])|AX-([1-9]|1[0-4]))\z", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex RealTimeSignal();

    [GeneratedRegex(@"^(?=.{1,63}\z)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*\z", RegexOptions.CultureInvariant)]
    private static partial Regex Hostname();

    [GeneratedRegex(@"^[^\s:\0]+(:[^\s:\0]+)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex User();
}
