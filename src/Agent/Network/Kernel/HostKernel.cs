using System.Collections.Immutable;
using System.Net;
using System.Runtime.InteropServices;

namespace Berth.Agent.Network.Kernel;

/// <summary>The host's network stack: what it has of the agent's, and how that is changed.</summary>
internal sealed class HostKernel : IDisposable
{
    private const string Settings = "/proc/sys/net/ipv4";
    private readonly NetlinkSocket _socket = NetlinkSocket.Open();

    /// <summary>The host's interfaces, by name.</summary>
    public Dictionary<string, HostLink> Links() => _socket
        .List(NetlinkMessage.Link(Message.GetLink, Flag.Dump), 16, "list the host's interfaces")
        .Select(HostLink.Read).ToDictionary(link => link.Name);

    /// <summary>What is there of the agent's.</summary>
    /// <param name="links">The interfaces there are.</param>
    /// <param name="settings">Paths of the settings that matter.</param>
    public HostState Read(IReadOnlyDictionary<string, HostLink> links, IEnumerable<string> settings)
    {
        var names = links.Values.ToDictionary(link => link.Index, link => link.Name);
        return new HostState
        {
            Overlay = links.GetValueOrDefault(InterfaceNames.Overlay)?.Overlay,
            Addresses = [.. Addresses(names)],
            Routes = [.. Routes(names).Where(entry => entry.Protocol == HostPlan.Protocol).Select(entry => entry.Route)],
            Neighbours = [.. Neighbours(names)],
            Forwarding = links.TryGetValue(InterfaceNames.Overlay, out var overlay) ? [.. Forwarding(overlay.Index)] : [],
            Rules = [.. Rules()],
            Settings = settings.Select(path => (path, value: ReadSetting(path))).Where(entry => entry.value is not null)
                .ToImmutableDictionary(entry => entry.path, entry => entry.value!),
        };
    }

    /// <summary>MTU of the interface that has an address; 1500 when none has.</summary>
    public int UnderlayMtu(IPAddress underlay, IReadOnlyDictionary<string, HostLink> links)
    {
        var index = AddressList().Where(entry => underlay.Equals(entry.Address(AddressAttribute.Local))).Select(entry => entry.Int(4)).FirstOrDefault();
        return links.Values.FirstOrDefault(link => link.Index == index)?.Mtu ?? 1500;
    }

    /// <summary>Where the host sends packets by its own routes: the agent's are left out.</summary>
    public ImmutableArray<IPNetwork> OwnRoutes()
    {
        var names = Links().Values.ToDictionary(link => link.Index, link => link.Name);
        return [.. Routes(names).Where(entry => entry.Protocol != HostPlan.Protocol && entry.Route.Table == HostRoute.Main && entry.Route.Destination.PrefixLength > 0
                && entry.Route.Device != InterfaceNames.Overlay && !entry.Route.Device.StartsWith(InterfaceNames.VethPrefix, StringComparison.Ordinal))
            .Select(entry => entry.Route.Destination).Distinct().OrderBy(network => Ipv4.ToNumber(network.BaseAddress))];
    }

    /// <summary>Makes one change.</summary>
    public void Apply(HostChange change)
    {
        switch (change)
        {
            case HostChange.Overlay overlay:
                _socket.Do(LinkMessages.Remove(InterfaceNames.Overlay), $"remove the device {InterfaceNames.Overlay}", Libc.NoSuchDevice);
                if (overlay.Device is { } device)
                    _socket.Do(LinkMessages.Vxlan(device), $"make the VXLAN device {InterfaceNames.Overlay}");
                break;
            case HostChange.Address(var address, var isWanted):
                _socket.Do(LinkMessages.Address(isWanted, Index(address.Device), address.Address, 32, RouteAttribute.ScopeHost, routed: true),
                    $"{Word(isWanted)} the address {address.Address} of {address.Device}");
                break;
            case HostChange.Route(var route, var isWanted):
                _socket.Do(LinkMessages.Route(isWanted, route, route.Device.Length == 0 ? 0 : Index(route.Device), HostPlan.Protocol),
                    $"{Word(isWanted)} the route to {route.Destination} by {route.Device}");
                break;
            case HostChange.Neighbour(var neighbour, var isWanted):
                _socket.Do(LinkMessages.Neighbour(isWanted, Index(neighbour.Device), neighbour.Address, neighbour.Hardware),
                    $"{Word(isWanted)} the neighbour {neighbour.Address} of {neighbour.Device}");
                break;
            case HostChange.Forwarding(var entry, var isWanted):
                _socket.Do(LinkMessages.Forwarding(isWanted, Index(InterfaceNames.Overlay), entry.Hardware, entry.Underlay),
                    $"{Word(isWanted)} the way to host {entry.Underlay}");
                break;
            case HostChange.Rule(var rule, var isWanted):
                _socket.Do(LinkMessages.Rule(isWanted, rule, HostPlan.Protocol), $"{Word(isWanted)} the rule for mark {rule.Mark:x}");
                break;
            case HostChange.Setting(var path, var value):
                File.WriteAllText(Path.Combine(Settings, path), value);
                break;
        }
    }

    /// <summary>Removes an interface; one that is gone is removed.</summary>
    public void Remove(string link) => _socket.Do(LinkMessages.Remove(link), $"remove the interface {link}", Libc.NoSuchDevice);

    /// <summary>Makes a veth into another namespace.</summary>
    public void Make(NetlinkMessage veth, string name) => _socket.Do(veth, $"make the interface {name}");

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private static string Word(bool isWanted) => isWanted ? "put" : "remove";

    private static int Index(string device)
    {
        var index = Libc.InterfaceIndex(device);
        return index != 0 ? (int)index : throw new NetlinkException(Libc.NoSuchDevice, $"there is no interface {device} on this host");
    }

    private static string? ReadSetting(string path)
    {
        try
        {
            return File.ReadAllText(Path.Combine(Settings, path)).Trim();
        }
        catch (Exception absent) when (absent is IOException or UnauthorizedAccessException)
        {
            // Of a device that is not there yet.
            return null;
        }
    }

    private List<NetlinkAttributes> AddressList() =>
        _socket.List(new NetlinkMessage(Message.GetAddress, Flag.Dump).Put([Family.Ipv4, 0, 0, 0, 0, 0, 0, 0]), 8, "list the host's addresses");

    private IEnumerable<HostAddress> Addresses(Dictionary<int, string> names) =>
        from entry in AddressList()
        let device = names.GetValueOrDefault(entry.Int(4), "")
        let address = entry.Address(AddressAttribute.Local)
        where address is not null && (device == InterfaceNames.Overlay || device == "lo" && address.Equals(HostPlan.Resolver))
        select new HostAddress(device, address);

    private IEnumerable<(HostRoute Route, byte Protocol)> Routes(Dictionary<int, string> names) =>
        from entry in _socket.List(new NetlinkMessage(Message.GetRoute, Flag.Dump).Put([Family.Ipv4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), 12, "list the host's routes")
        where entry.Fixed is { Length: 12 } part && part[0] == Family.Ipv4 && part[7] is RouteAttribute.Unicast or RouteAttribute.Unreachable
        let part = entry.Fixed
        select (new HostRoute(
            new IPNetwork(entry.Address(RouteAttribute.Destination) ?? IPAddress.Any, part[1]),
            names.GetValueOrDefault((int)(entry.Number(RouteAttribute.OutInterface) ?? 0), ""),
            entry.Address(RouteAttribute.Gateway), entry.Address(RouteAttribute.PreferredSource),
            entry.Number(RouteAttribute.Table) ?? part[4], part[7] == RouteAttribute.Unreachable), part[5]);

    private IEnumerable<HostNeighbour> Neighbours(Dictionary<int, string> names) =>
        from entry in _socket.List(new NetlinkMessage(Message.GetNeighbour, Flag.Dump).Put([Family.Ipv4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), 12, "list the host's neighbours")
        where entry.Fixed.Length == 12 && (MemoryMarshal.Read<ushort>(entry.Fixed.AsSpan(8)) & NeighbourAttribute.Permanent) != 0
        let device = names.GetValueOrDefault(entry.Int(4), "")
        where device == InterfaceNames.Overlay || device.StartsWith(InterfaceNames.VethPrefix, StringComparison.Ordinal)
        let address = entry.Address(NeighbourAttribute.Destination)
        let hardware = entry.Hardware(NeighbourAttribute.HardwareAddress)
        where address is not null && hardware is not null
        select new HostNeighbour(device, address, hardware.Value);

    private IEnumerable<HostForwarding> Forwarding(int overlay) =>
        from entry in _socket.List(new NetlinkMessage(Message.GetNeighbour, Flag.Dump).Put([Family.Bridge, 0, 0, 0, .. BitConverter.GetBytes(overlay), 0, 0, 0, 0]), 12, "list the overlay's forwarding entries")
        where entry.Fixed.Length == 12 && entry.Int(4) == overlay
        let hardware = entry.Hardware(NeighbourAttribute.HardwareAddress)
        let underlay = entry.Address(NeighbourAttribute.Destination)
        where hardware is not null && underlay is not null
        select new HostForwarding(hardware.Value, underlay);

    private IEnumerable<HostRule> Rules() =>
        from entry in _socket.List(new NetlinkMessage(Message.GetRule, Flag.Dump).Put([Family.Ipv4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), 12, "list the host's routing rules")
        where entry.Byte(RuleAttribute.Protocol) == HostPlan.Protocol
        let target = entry.Number(RuleAttribute.Goto) ?? 0
        select new HostRule(
            entry.Number(RuleAttribute.Priority) ?? 0, entry.Number(RuleAttribute.Mark) ?? 0, entry.Number(RuleAttribute.Mask) ?? 0,
            target != 0 ? 0 : entry.Number(RuleAttribute.Table) ?? 0, target, entry.Address(RuleAttribute.Source));
}

/// <summary>An interface of the host.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Index">Its number.</param>
/// <param name="Mtu">Bytes.</param>
/// <param name="Overlay">What it is when it is the overlay device as the agent makes it; null otherwise.</param>
internal sealed record HostLink(string Name, int Index, int Mtu, OverlayDevice? Overlay)
{
    public static HostLink Read(NetlinkAttributes entry)
    {
        var name = entry.Text(LinkAttribute.Name);
        var mtu = (int)(entry.Number(LinkAttribute.Mtu) ?? 0);
        return new HostLink(name, entry.Int(4), mtu, name == InterfaceNames.Overlay ? ReadOverlay(entry, mtu) : null);
    }

    // One that is down, or has another address, is not the one that is wanted.
    private static OverlayDevice? ReadOverlay(NetlinkAttributes entry, int mtu)
    {
        var isUp = (entry.Int(8) & LinkAttribute.Up) != 0;
        if (!isUp || entry.Nested(LinkAttribute.Info) is not { } info || info.Text(LinkAttribute.InfoKind) != "vxlan" || info.Nested(LinkAttribute.InfoData) is not { } data)
            return None;
        var port = data.Bytes(LinkAttribute.VxlanPort) is [var high, var low] ? high << 8 | low : 0;
        var device = new OverlayDevice(data.Address(LinkAttribute.VxlanLocal) ?? IPAddress.None, mtu, (int)(data.Number(LinkAttribute.VxlanId) ?? 0), port);
        return device.Hardware == entry.Hardware(LinkAttribute.Address) ? device : None;
    }

    private static OverlayDevice None { get; } = new(IPAddress.None, 0, 0, 0);
}
