using System.ComponentModel;
using System.Diagnostics;

namespace Berth.Agent.Hosting;

/// <summary>Whether a host shuts down or boots anew: SIGTERM alone does not say, it also comes before the agent's own restart.</summary>
/// <param name="supervisor">A directory that is there only while systemd is the host's init.</param>
/// <param name="systemctl">The program to ask, with what comes before its own arguments.</param>
internal sealed class HostShutdown(string supervisor, params string[] systemctl)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Of this host.</summary>
    public static HostShutdown OfSystemd { get; } = new("/run/systemd/system", "systemctl");

    /// <summary>Whether it does. Where nobody can tell it does not: then its node is only missed later.</summary>
    public async Task<bool> IsUnderWayAsync()
    {
        if (!Directory.Exists(supervisor))
            return false;
        using var limit = new CancellationTokenSource(Patience);
        try
        {
            using var process = Process.Start(new ProcessStartInfo(systemctl[0], [.. systemctl[1..], "is-system-running"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            try
            {
                return (await process.StandardOutput.ReadToEndAsync(limit.Token).ConfigureAwait(false)).Trim() == "stopping";
            }
            finally
            {
                process.Kill();
            }
        }
        catch (Exception unknown) when (unknown is Win32Exception or IOException or OperationCanceledException or InvalidOperationException)
        {
            return false;
        }
    }
}
