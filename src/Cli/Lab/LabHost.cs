using System.Globalization;
using System.Text;
using Berth.Cli.Output;

namespace Berth.Cli.Lab;

/// <summary>Turns hosts of a lab on and off.</summary>
internal static class LabHost
{
    private static readonly TimeSpan BootLimit = TimeSpan.FromSeconds(20);

    /// <summary>Writes what a host has on its disk besides its data: name, addresses, daemons.</summary>
    public static void Prepare(LabRecord lab, int number)
    {
        var host = lab.HostDirectory(number);
        foreach (var folder in new[] { "data", "etc/docker", "log", "daemons", "stopped", "agent", "manager", "etcd" })
            LabStore.MakePrivate(Path.Combine(host, folder));
        WriteHosts(lab, number);
        File.WriteAllText(Path.Combine(host, "etc/hostname"), lab.HostName(number) + "\n");
        File.WriteAllText(Path.Combine(host, "etc/resolv.conf"), "# a lab has no way out, so no name server either\n");
        File.WriteAllText(Path.Combine(host, "host.env"), $"HOSTNAME={lab.HostName(number)}\nDAEMONS='engine manager etcd agent'\n");
        LabClock.Prepare(lab, number);
        foreach (var script in new[] { "init.sh", "boot.sh" })
            WriteScript(lab, number, script);
        foreach (var daemon in DaemonScripts.For(lab, number))
            WriteDaemon(lab, number, daemon);
    }

    /// <summary>Writes how a daemon is started; the script last, as it is what the host looks for.</summary>
    public static void WriteDaemon(LabRecord lab, int number, DaemonScript daemon)
    {
        var file = Path.Combine(lab.HostDirectory(number), "daemons", daemon.Name);
        if (daemon.Wanted is { } wanted)
            File.WriteAllText(file + ".wanted", wanted);
        File.WriteAllText(file, daemon.Script);
    }

    /// <summary>Written in place: running hosts have this very file mounted as their /etc/hosts.</summary>
    public static void WriteHosts(LabRecord lab, int number)
    {
        var text = new StringBuilder("127.0.0.1 localhost\n");
        foreach (var other in lab.Numbers)
            text.Append(lab.Network.Address(other)).Append(' ').Append(lab.HostName(other)).Append('\n');
        text.Append(lab.Network.Switch).Append(" registry.lab\n");
        text.Append(lab.Network.Machine).Append(" machine.lab\n");
        var file = Path.Combine(lab.HostDirectory(number), "etc/hosts");
        if (!File.Exists(file) || File.ReadAllText(file) != text.ToString())
            File.WriteAllText(file, text.ToString());
    }

    /// <summary>Boots a host on its disk, every daemon wanted again; returns when process 1 of the host exists.</summary>
    public static async Task StartAsync(LabRecord lab, int number, CancellationToken cancel)
    {
        foreach (var stopped in Directory.GetFiles(Path.Combine(lab.HostDirectory(number), "stopped")))
            File.Delete(stopped);
        await LabDisk.PrepareAsync(lab, number, cancel);
        var joins = Cgroups.Make(lab.EngineCgroup(number));
        foreach (var file in joins)
            Directory.CreateDirectory(Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(file))!, "ctr"));
        await LabSwitch.PlugInAsync(lab, number, cancel);
        using var boot = Tool.Start("bash",
            [Path.Combine(lab.Directory, "boot.sh"), lab.HostNamespace(number), lab.HostDirectory(number), .. joins]);
        var isUp = await Tool.UntilAsync(_ => Task.FromResult(HostProcesses.Read(lab, number).Init is not null || boot.HasExited), BootLimit, cancel);
        if (!isUp || boot.HasExited)
            throw new UserError($"host {lab.HostName(number)} did not boot: {LastLine(Path.Combine(lab.HostDirectory(number), "log/init.log"))}",
                $"read {lab.HostDirectory(number)}/log/init.log, then: berth lab down --name {lab.Name}");
    }

    /// <summary>
    /// Power loss. The cable is cut first: otherwise the dying processes' sockets would say goodbye. Then the kernel kills
    /// all of the host at once with its process 1.
    /// </summary>
    public static async Task KillAsync(LabRecord lab, int number, CancellationToken cancel)
    {
        if ((await LabSwitch.PortsAsync(lab, cancel)).ContainsKey(number))
            await LabSwitch.CutAsync(lab, number, cancel);
        if (HostProcesses.Read(lab, number).Init is { } init)
        {
            HostProcesses.Signal(init, HostProcesses.Kill);
            await Tool.UntilAsync(_ => Task.FromResult(!HostProcesses.IsAlive(init)), BootLimit, cancel);
        }
        await LabSwitch.UnplugAsync(lab, number, cancel);
        File.Delete(lab.EngineSocket(number));
        File.Delete(lab.ManagerSocket(number));
    }

    /// <summary>A file of a host as this machine reads it: what is mounted inside a host is seen through its processes only.</summary>
    public static string Seen(LabRecord lab, int number, string file) =>
        HostProcesses.Read(lab, number).Init is { } init ? string.Create(CultureInfo.InvariantCulture, $"/proc/{init}/root{file}") : file;

    /// <summary>What commands find in their environment on a host: its engine, its manager, its daemons' files.</summary>
    public static Dictionary<string, string> CommandEnvironment(LabRecord lab, int number) => new()
    {
        ["DOCKER_HOST"] = "unix://" + lab.EngineSocket(number),
        ["BERTH_HOST"] = "unix://" + lab.ManagerSocket(number),
        ["BERTH_DIR"] = lab.HostDirectory(number),
    };

    /// <summary>Has the host look at once whether a daemon is to be started, instead of within half a second.</summary>
    public static void Wake(LabRecord lab, int number, string daemon)
    {
        var pipe = Seen(lab, number, $"/run/lab/{daemon}.wait");
        // Read and write: opening a pipe for writing alone would wait for a reader.
        if (File.Exists(pipe))
            using (var wake = new FileStream(pipe, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 1))
                wake.Write("\n"u8);
    }

    /// <exception cref="UserError">It is off.</exception>
    public static int Init(LabRecord lab, int number) => HostProcesses.Read(lab, number).Init ?? throw new UserError(
        $"host {lab.HostName(number)} is off", $"turn it on: berth lab start {lab.HostName(number)} --name {lab.Name}");

    public static string LastLine(string file) =>
        File.Exists(file) && File.ReadLines(file).LastOrDefault(line => line.Length > 0) is { } line ? line : "it said nothing";

    // Hosts share their scripts and boot side by side: one that reads a script while another writes it must see all of it.
    private static void WriteScript(LabRecord lab, int number, string name)
    {
        var draft = Path.Combine(lab.HostDirectory(number), name + ".new");
        File.WriteAllText(draft, Script(name));
        File.Move(draft, Path.Combine(lab.Directory, name), overwrite: true);
    }

    private static string Script(string name)
    {
        using var stream = typeof(LabHost).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"no script {name} in this build");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
