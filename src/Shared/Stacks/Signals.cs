using System.Collections.Frozen;
using System.Globalization;

namespace Berth.Stacks;

/// <summary>Linux's signals as Docker accepts them: with or without SIG, or by number.</summary>
internal static class Signals
{
    private const int Highest = 64;

    private static readonly FrozenSet<string> Names = ((string[])[
        "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE", "POLL", "PROF",
        "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1", "USR2", "VTALRM",
        "WINCH", "XCPU", "XFSZ", "RTMIN", "RTMAX", .. Enumerable.Range(1, 15).Select(n => $"RTMIN+{n}"),
        .. Enumerable.Range(1, 14).Select(n => $"RTMAX-{n}")]).ToFrozenSet();

    public static bool IsKnown(string signal) =>
        int.TryParse(signal, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number is >= 1 and <= Highest
            : Names.Contains(Bare(signal));

    public static string? Nearest(string signal) => Values.Nearest.To(Bare(signal), Names) is { } name ? "SIG" + name : null;

    private static string Bare(string signal)
    {
        var upper = signal.ToUpperInvariant();
        return upper.StartsWith("SIG", StringComparison.Ordinal) ? upper[3..] : upper;
    }
}
