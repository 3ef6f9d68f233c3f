using System.Globalization;

namespace Berth.Cli.Lab;

/// <summary>
/// The lab's network: a bridge in a network namespace of its own, with no route out. Namespaces are kept by files in the
/// lab's directory rather than by `ip netns`, so nothing of the lab is outside its directory.
/// </summary>
internal static class LabSwitch
{
    /// <summary>Makes the switch and this machine's own link to it; does nothing when they are there.</summary>
    public static async Task UpAsync(LabRecord lab, CancellationToken cancel)
    {
        if (await MakeNamespaceAsync(lab.SwitchNamespace, cancel))
        {
            // Frames between hosts must not pass the firewall of the switch.
            await InsideAsync(lab.SwitchNamespace, ["sh", "-c", "for f in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e $f ] || echo 0 >$f; done"], cancel);
            await IpAsync(lab.SwitchNamespace, $"""
                link set lo up
                link add br0 type bridge forward_delay 0 stp_state 0
                addr add {lab.Network.Switch}/24 dev br0
                link set br0 up

                """, cancel);
        }
        if (!Directory.Exists("/sys/class/net/" + lab.MachineLink))
        {
            await Tool.TryAsync("nsenter", [$"--net={lab.SwitchNamespace}", "ip", "link", "del", "machine"], cancel);
            await Tool.RunAsync("ip", ["-batch", "-"], cancel, $"""
                link add {lab.MachineLink} address {lab.Network.HardwareAddress(253)} type veth peer name machine netns {lab.SwitchNamespace}
                addr add {lab.Network.Machine}/24 dev {lab.MachineLink}
                link set {lab.MachineLink} up

                """);
            await IpAsync(lab.SwitchNamespace, "link set machine master br0\nlink set machine up\n", cancel);
        }
    }

    /// <summary>Gives a host a network namespace with a cable to the switch.</summary>
    public static async Task PlugInAsync(LabRecord lab, int number, CancellationToken cancel)
    {
        var port = Port(number);
        await UnplugAsync(lab, number, cancel);
        await MakeNamespaceAsync(lab.HostNamespace(number), cancel);
        await IpAsync(lab.SwitchNamespace, $"""
            link add {port} type veth peer name eth0 address {lab.Network.HardwareAddress(number)} netns {lab.HostNamespace(number)}
            link set {port} master br0
            link set {port} up

            """, cancel);
        await IpAsync(lab.HostNamespace(number), $"""
            link set lo up
            addr add {lab.Network.Address(number)}/24 dev eth0
            link set eth0 up

            """, cancel);
    }

    /// <summary>Takes a host's network namespace and cable away.</summary>
    public static async Task UnplugAsync(LabRecord lab, int number, CancellationToken cancel)
    {
        if (File.Exists(lab.SwitchNamespace))
            await Tool.TryAsync("nsenter", [$"--net={lab.SwitchNamespace}", "ip", "link", "del", Port(number)], cancel);
        await RemoveNamespaceAsync(lab.HostNamespace(number), cancel);
    }

    /// <summary>
    /// Takes the host's port off the bridge: both ends keep their carrier and every frame is lost, as when a cable breaks
    /// somewhere further away. Nobody is told.
    /// </summary>
    public static Task CutAsync(LabRecord lab, int number, CancellationToken cancel) =>
        IpAsync(lab.SwitchNamespace, $"link set {Port(number)} nomaster\n", cancel);

    public static Task JoinAsync(LabRecord lab, int number, CancellationToken cancel) =>
        IpAsync(lab.SwitchNamespace, $"link set {Port(number)} master br0\n", cancel);

    /// <summary>Whether each host's port is on the bridge, by host number; hosts without a port are missing.</summary>
    public static async Task<IReadOnlyDictionary<int, bool>> PortsAsync(LabRecord lab, CancellationToken cancel)
    {
        if (!IsNamespace(lab.SwitchNamespace))
            return new Dictionary<int, bool>();
        var (exitCode, text) = await Tool.TryAsync("nsenter", [$"--net={lab.SwitchNamespace}", "ip", "-o", "link", "show", "type", "veth"], cancel);
        return exitCode == 0 ? ParsePorts(text) : new Dictionary<int, bool>();
    }

    /// <summary>Reads lines such as <c>5: p1@if2: &lt;…&gt; mtu 1500 qdisc noqueue master br0 state UP …</c>.</summary>
    internal static IReadOnlyDictionary<int, bool> ParsePorts(string links)
    {
        var ports = new Dictionary<int, bool>();
        foreach (var line in links.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var name = line.Split(' ', 3)[1].Split('@')[0].TrimEnd(':');
            if (name.StartsWith('p') && int.TryParse(name[1..], CultureInfo.InvariantCulture, out var number))
                ports[number] = line.Contains(" master br0 ", StringComparison.Ordinal);
        }
        return ports;
    }

    /// <summary>Removes the switch, this machine's link and every namespace file of the lab.</summary>
    public static async Task DownAsync(LabRecord lab, CancellationToken cancel)
    {
        if (Directory.Exists("/sys/class/net/" + lab.MachineLink))
            await Tool.TryAsync("ip", ["link", "del", lab.MachineLink], cancel);
        var folder = Path.Combine(lab.Directory, "net");
        if (Directory.Exists(folder))
            foreach (var file in Directory.GetFiles(folder))
                await RemoveNamespaceAsync(file, cancel);
    }

    private static string Port(int number) => string.Create(CultureInfo.InvariantCulture, $"p{number}");

    private static async Task<bool> MakeNamespaceAsync(string file, CancellationToken cancel)
    {
        if (IsNamespace(file))
            return false;
        LabStore.MakePrivate(Path.GetDirectoryName(file)!);
        await File.WriteAllTextAsync(file, "", cancel);
        await Tool.RunAsync("unshare", [$"--net={file}", "true"], cancel);
        return true;
    }

    private static async Task RemoveNamespaceAsync(string file, CancellationToken cancel)
    {
        while (IsNamespace(file))
            await Tool.RunAsync("umount", ["-l", file], cancel);
        File.Delete(file);
    }

    private static bool IsNamespace(string file) =>
        File.ReadLines("/proc/self/mountinfo").Any(line => line.Split(' ')[4] == file);

    private static Task IpAsync(string network, string commands, CancellationToken cancel) =>
        Tool.RunAsync("nsenter", [$"--net={network}", "ip", "-batch", "-"], cancel, commands);

    private static Task InsideAsync(string network, IEnumerable<string> command, CancellationToken cancel) =>
        Tool.RunAsync("nsenter", [$"--net={network}", .. command], cancel);
}
