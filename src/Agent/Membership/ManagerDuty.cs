using System.Globalization;
using System.Runtime.InteropServices;
using Berth.Identity;
using Microsoft.Extensions.Logging;

namespace Berth.Agent.Membership;

/// <summary>Makes this host a manager's, or ends that: writes and removes what the host's supervisor watches for.</summary>
/// <remarks>Idempotent, also after a crash half way: it looks at what is there and does what is missing. The supervisor starts
/// managers (docs/decisions/0014-supervisors.md); only ending one is this class's own work, by its pid file and after looking
/// at what runs under that number.</remarks>
/// <param name="directory">The manager's data directory.</param>
public sealed class ManagerDuty(string directory, ILogger log, TimeProvider time)
{
    private const int Terminate = 15;
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan EndsWithin = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim _one = new(1, 1);

    /// <summary>Whether a manager is wanted here.</summary>
    public bool IsWanted => File.Exists(ConfigPath);

    /// <summary>What runs here, for the node's description: empty, <c>wanted</c> or <c>running</c>.</summary>
    public string State => Pid() is not null ? "running" : IsWanted ? "wanted" : "";

    private string ConfigPath => Path.Combine(directory, "manager.json");

    private string PidPath => Path.Combine(directory, "manager.pid");

    /// <summary>Does what a manager wants of this host.</summary>
    /// <param name="wanted">Whether it is to run a manager.</param>
    /// <param name="config">Text of its <c>manager.json</c>.</param>
    /// <param name="cancellation">The agent stops.</param>
    public async Task ApplyAsync(bool wanted, string config, CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (wanted)
                Begin(config);
            else
                await EndAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            log.LogError("this host's manager could not be {What}: {Reason}; the next session tries again", wanted ? "begun" : "ended", failed.Message);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Forgets who this host's manager was: the node has left, and its next manager is another node's.</summary>
    public void Forget()
    {
        if (!IsWanted && Directory.Exists(IdentityPath))
            Directory.Delete(IdentityPath, recursive: true);
    }

    // A file that is there is the manager's own by now: it took the token out of it, and keeps its store's kind in it.
    private void Begin(string config)
    {
        if (IsWanted)
            return;
        PrivateText.Write(ConfigPath, config);
        log.LogInformation("this host is to run a manager: {Path} is written, the host's supervisor starts it", ConfigPath);
    }

    private async Task EndAsync(CancellationToken cancellation)
    {
        if (IsWanted)
        {
            File.Delete(ConfigPath);
            log.LogInformation("this host is to run no manager any more: {Path} is removed", ConfigPath);
        }
        else if (!File.Exists(PidPath) && !HasSecrets())
            return;
        if (Pid() is { } pid)
        {
            log.LogInformation("ending the manager, process {Pid}", pid);
            Signal(pid);
            var since = time.GetTimestamp();
            while (Pid() == pid && time.GetElapsedTime(since) < EndsWithin)
                await Task.Delay(LookEvery, time, cancellation).ConfigureAwait(false);
            if (Pid() == pid)
                throw new IOException(string.Create(CultureInfo.InvariantCulture, $"process {pid} did not end within {EndsWithin.TotalSeconds} s"));
        }
        // A manager's certificate and data keys have no business on a host that is none. Its own key stays, worthless meanwhile: the
        // cluster knows this node's manager by it, should there be one again.
        foreach (var file in Certificates())
            File.Delete(file);
        File.Delete(Path.Combine(directory, "keys.json"));
        // Its share of the store was taken out of etcd before this host was told; what is left of it must not start again.
        Empty(EtcdPath);
        File.Delete(PidPath);
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

    private string EtcdPath => Path.Combine(Path.GetDirectoryName(Path.GetFullPath(directory))!, "etcd");

    private string IdentityPath => Path.Combine(directory, "identity");

    private bool HasSecrets() => File.Exists(Path.Combine(EtcdPath, "etcd.yml")) || Certificates().Any() || File.Exists(Path.Combine(directory, "keys.json"));

    private IEnumerable<string> Certificates() =>
        Directory.Exists(IdentityPath) ? Directory.EnumerateFiles(IdentityPath).Where(file => !file.EndsWith(".key", StringComparison.Ordinal)) : [];

    // A pid file may be of before a reboot: its number may be anybody's by now.
    private int? Pid()
    {
        try
        {
            return File.Exists(PidPath) && int.TryParse(File.ReadAllText(PidPath).AsSpan().Trim(), CultureInfo.InvariantCulture, out var pid) && pid > 1 && IsManager(pid)
                ? pid
                : null;
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static bool IsManager(int pid)
    {
        var program = new FileInfo($"/proc/{pid}/exe").LinkTarget;
        if (program is null)
            return false;
        // An upgrade replaced the file under the running process.
        var name = Path.GetFileName(program.Replace(" (deleted)", "", StringComparison.Ordinal));
        return name == "berth-manager"
            || (name == "dotnet" && File.ReadAllText($"/proc/{pid}/cmdline").Contains("berth-manager.dll", StringComparison.Ordinal));
    }

    private static void Signal(int pid)
    {
        const int NoSuchProcess = 3;
        if (Kill(pid, Terminate) != 0 && Marshal.GetLastPInvokeError() is var error && error != NoSuchProcess)
            throw new IOException($"process {pid} could not be told to end: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int pid, int signal);
}
