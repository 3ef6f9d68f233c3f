using System.Collections.Frozen;
using Berth.Model;
using Berth.Stacks.Values;

namespace Berth.Stacks;

/// <summary>Reads lists of Linux capabilities.</summary>
internal static class Capabilities
{
    private static readonly FrozenSet<string> Known = ((string[])[
        "ALL", "AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "BPF", "CHECKPOINT_RESTORE", "CHOWN",
        "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "IPC_LOCK", "IPC_OWNER", "KILL", "LEASE", "LINUX_IMMUTABLE",
        "MAC_ADMIN", "MAC_OVERRIDE", "MKNOD", "NET_ADMIN", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_RAW", "PERFMON", "SETFCAP",
        "SETGID", "SETPCAP", "SETUID", "SYSLOG", "SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT", "SYS_MODULE", "SYS_NICE", "SYS_PACCT",
        "SYS_PTRACE", "SYS_RAWIO", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "WAKE_ALARM"]).ToFrozenSet();

    /// <summary>Names in upper case without CAP_, sorted, so that another spelling is no change.</summary>
    public static ValueList<string> Read(Field? field)
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var item in field?.Items() ?? [])
        {
            if (item.NonEmptyText() is not { } text)
                continue;
            var upper = text.ToUpperInvariant();
            var name = upper.StartsWith("CAP_", StringComparison.Ordinal) ? upper[4..] : upper;
            if (Known.Contains(name))
                names.Add(name);
            else
                item.Problem($"'{text}' is not a capability", Nearest.To(name, Known) is { } near ? $"did you mean {near}?" : "write a name such as NET_ADMIN");
        }
        return names.ToValueList();
    }
}
