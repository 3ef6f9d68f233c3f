using Berth.Cli.Output;

namespace Berth.Cli.Lab;

/// <summary>Sets the wall clock that a host's manager and agent see, by libfaketime: the kernel has one wall clock for all.
/// Monotonic time goes on undisturbed, as it does when a real host's clock is set.</summary>
internal static class LabClock
{
    private static readonly string[] Places = ["/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1"];

    /// <summary>The library; null where it is not installed.</summary>
    public static string? Library => Places.FirstOrDefault(File.Exists);

    /// <summary>What a daemon's script begins with, so that the daemon's clock can be set.</summary>
    public static string Preload(LabRecord lab, int number) => lab.Clocks
        ? $"export LD_PRELOAD={Library} FAKETIME_TIMESTAMP_FILE={DaemonScripts.Quote(Setting(lab, number))} FAKETIME_CACHE_DURATION=1 FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1\n"
        : "";

    /// <summary>Writes that the clock is right, where nothing says otherwise.</summary>
    public static void Prepare(LabRecord lab, int number)
    {
        if (lab.Clocks && !File.Exists(Setting(lab, number)))
            File.WriteAllText(Setting(lab, number), "+0s\n");
    }

    /// <summary>Sets it: <c>+30s</c>, <c>-5m</c>, <c>+0s</c>. It takes effect within a second.</summary>
    /// <exception cref="UserError">The lab's clocks cannot be set, or the offset is none.</exception>
    public static void Set(LabRecord lab, int number, string offset)
    {
        if (!lab.Clocks)
        {
            throw new UserError($"the clocks of lab '{lab.Name}' cannot be set: its daemons were started without libfaketime",
                $"apt-get install -y libfaketime; then make the lab anew: berth lab down --name {lab.Name}; berth lab up --name {lab.Name} --clocks", ExitCode.WrongUsage);
        }
        if (offset.Length < 3 || offset[0] is not ('+' or '-') || offset[^1] is not ('s' or 'm' or 'h' or 'd') || !offset[1..^1].All(char.IsAsciiDigit))
            throw new UserError($"'{offset}' is not an offset", "write +30s, -5m, +2h, or +0s for the right time", ExitCode.WrongUsage);
        var draft = Setting(lab, number) + ".new";
        File.WriteAllText(draft, offset + "\n");
        File.Move(draft, Setting(lab, number), overwrite: true);
    }

    private static string Setting(LabRecord lab, int number) => Path.Combine(lab.HostDirectory(number), "clock");
}
