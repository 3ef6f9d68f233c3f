using System.Diagnostics;
using System.Formats.Tar;
using System.Text;
using Docker.DotNet;
using Docker.DotNet.Models;

namespace Berth.Tests.Integration.Agent;

/// <summary>A real dockerd of its own: own directories, own network namespace, live-restore on. Leaves nothing behind.</summary>
public sealed class TestEngine : IAsyncLifetime
{
    private readonly string _name = "berth-agent-" + Guid.NewGuid().ToString("N")[..8];
    private Process? _dockerd;

    public string Directory { get; }

    public string Socket => Path.Combine(Directory, "docker.sock");

    public DockerClient Client { get; }

    /// <summary>Its network namespace, for <c>nsenter --net=</c>.</summary>
    public string NetworkNamespace => $"/run/netns/{_name}";

    /// <summary>More of its command line.</summary>
    public IReadOnlyList<string> More { get; init; } = [];

    public TestEngine()
    {
        Directory = Path.Combine("/tmp", _name);
        Client = new DockerClientBuilder().WithEndpoint(new Uri("unix://" + Socket)).Build();
    }

    public async Task InitializeAsync()
    {
        if (Environment.UserName != "root" || !File.Exists("/usr/sbin/dockerd"))
            return;
        System.IO.Directory.CreateDirectory(Directory);
        Run("ip", "netns", "add", _name);
        Run("nsenter", $"--net=/run/netns/{_name}", "ip", "link", "set", "lo", "up");
        await StartAsync();
        await LoadImageAsync();
    }

    /// <summary>Skips a test where there is no engine to try it on.</summary>
    public void Require() => Skip.If(_dockerd is null, "needs root and dockerd (apt-get install docker.io)");

    public async Task StartAsync()
    {
        _dockerd = Process.Start(new ProcessStartInfo("nsenter",
        [
            $"--net=/run/netns/{_name}", "dockerd", "--data-root", Path.Combine(Directory, "data"), "--exec-root", Path.Combine(Directory, "exec"),
            "--pidfile", Path.Combine(Directory, "pid"), "-H", "unix://" + Socket, "--live-restore", "--storage-driver", "overlay2", "--log-level", "error", .. More,
        ])
        { RedirectStandardError = true, RedirectStandardOutput = true })!;
        _dockerd.OutputDataReceived += (_, _) => { };
        _dockerd.ErrorDataReceived += (_, line) => Log.AppendLine(line.Data);
        _dockerd.BeginErrorReadLine();
        _dockerd.BeginOutputReadLine();
        await Wait.UntilAsync("dockerd answers", async () =>
        {
            try
            {
                await Client.System.PingAsync();
                return true;
            }
            catch (Exception notYet) when (notYet is HttpRequestException or IOException or DockerApiException)
            {
                return false;
            }
        }, () => Log.ToString());
    }

    public StringBuilder Log { get; } = new();

    /// <summary>SIGKILL: nothing says goodbye.</summary>
    public async Task KillAsync()
    {
        _dockerd!.Kill();
        await _dockerd.WaitForExitAsync();
        // Its containerd dies with it; a new dockerd must not take what is left of its process for a live one.
        var note = Path.Combine(Directory, "exec", "containerd", "containerd.pid");
        var containerd = await File.ReadAllTextAsync(note);
        await Wait.UntilAsync("containerd is dead", () => Task.FromResult(IsDead(containerd)), () => containerd);
        File.Delete(note);
    }

    /// <summary>Makes it hang, or go on: alive, its socket open, silent.</summary>
    public void Hang(bool hang) => Run("kill", hang ? "-STOP" : "-CONT", _dockerd!.Id.ToString(System.Globalization.CultureInfo.InvariantCulture));

    public async Task DisposeAsync()
    {
        if (_dockerd is not null)
        {
            if (_dockerd.HasExited)
                await StartAsync();
            foreach (var container in await Client.Containers.ListContainersAsync(new ContainersListParameters { All = true }))
                await Client.Containers.RemoveContainerAsync(container.ID, new ContainerRemoveParameters { Force = true });
            Run("kill", "-TERM", _dockerd.Id.ToString(System.Globalization.CultureInfo.InvariantCulture));
            await _dockerd.WaitForExitAsync();
            foreach (var mount in File.ReadAllLines("/proc/mounts").Select(line => line.Split(' ')[1]).Where(path => path.StartsWith(Directory, StringComparison.Ordinal)).Reverse())
                Run("umount", "-l", mount);
            Run("ip", "netns", "del", _name);
            System.IO.Directory.Delete(Directory, recursive: true);
        }
        Client.Dispose();
    }

    private static bool IsDead(string pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/stat").Split(' ')[2] == "Z";
        }
        catch (IOException)
        {
            return true;
        }
    }

    // FROM scratch with Debian's static busybox, packed by hand: no registry, no build.
    private async Task LoadImageAsync()
    {
        using var content = new MemoryStream();
        await using (var tar = new TarWriter(content, leaveOpen: true))
        {
            foreach (var directory in new[] { "bin/", "tmp/", "etc/", "proc/", "sys/", "dev/" })
                await tar.WriteEntryAsync(new UstarTarEntry(TarEntryType.Directory, directory) { Mode = (UnixFileMode)0b111_101_101 });
            await using var busybox = File.OpenRead("/usr/bin/busybox");
            await tar.WriteEntryAsync(new UstarTarEntry(TarEntryType.RegularFile, "bin/busybox") { Mode = (UnixFileMode)0b111_101_101, DataStream = busybox });
            foreach (var applet in new[] { "sh", "sleep", "cat", "echo", "test", "touch", "stty", "head", "tail", "nc", "ip", "hostname", "ping", "kill" })
                await tar.WriteEntryAsync(new UstarTarEntry(TarEntryType.SymbolicLink, "bin/" + applet) { LinkName = "busybox" });
        }
        content.Position = 0;
        await Client.Images.CreateImageAsync(
            new ImagesCreateParameters { FromSrc = "-", Repo = "box", Tag = "1" }, content, null, new Progress<JSONMessage>());
    }

    internal static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {errors}");
    }
}

/// <summary>Waits for conditions, never for times.</summary>
internal static class Wait
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    public static async Task UntilAsync(string what, Func<Task<bool>> holds, Func<string> seen)
    {
        var begun = Stopwatch.StartNew();
        while (!await holds())
        {
            if (begun.Elapsed > Deadline)
                throw new TimeoutException($"{what}: not within {Deadline.TotalSeconds} s; seen:\n{seen()}");
            await Task.Delay(20);
        }
    }
}
