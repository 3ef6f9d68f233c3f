using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Berth.Cli.Output;

namespace Berth.Cli.Host;

/// <summary>An address of this host.</summary>
/// <param name="Interface">Such as <c>eth0</c>.</param>
/// <param name="Address">One of its addresses.</param>
internal sealed record HostAddress(string Interface, IPAddress Address);

/// <summary>Chooses the address at which others reach this host: pure, but for reading the interfaces.</summary>
internal static class AdvertiseAddress
{
    private const string Flag = "--advertise-addr";

    // Networks that engines make are this host's own: nobody else reaches it there.
    private static readonly string[] Inner = ["docker", "br-", "veth", "virbr", "cni", "lxc", "lxd", "podman"];

    /// <summary>The addresses of interfaces that are up.</summary>
    public static IReadOnlyList<HostAddress> OfHost() =>
    [
        .. from link in NetworkInterface.GetAllNetworkInterfaces()
           where link.OperationalStatus is OperationalStatus.Up or OperationalStatus.Unknown && link.NetworkInterfaceType != NetworkInterfaceType.Loopback
           from address in link.GetIPProperties().UnicastAddresses
           select new HostAddress(link.Name, address.Address),
    ];

    /// <summary>The address from which this host reaches the first manager it has a way to: others will reach it there.</summary>
    /// <exception cref="UserError">There is no way to any of them, and no choice without.</exception>
    public static IPAddress Towards(IReadOnlyList<string> managers)
    {
        foreach (var manager in managers.Select(manager => new Uri(manager)))
        {
            try
            {
                // Connecting a datagram socket sends nothing: it asks the kernel for the way.
                using var way = new Socket(SocketType.Dgram, ProtocolType.Udp);
                way.Connect(manager.DnsSafeHost, manager.Port);
                var own = ((IPEndPoint)way.LocalEndPoint!).Address;
                return own.IsIPv4MappedToIPv6 ? own.MapToIPv4() : own;
            }
            catch (SocketException)
            {
                // There is no way to this one, or its name says nothing: the next may do.
                continue;
            }
        }
        return Choose(null, OfHost());
    }

    /// <summary>The address: the one that is given, the one of the interface that is given, or the only one there is.</summary>
    /// <exception cref="UserError">There is none, or several; each is named.</exception>
    public static IPAddress Choose(string? given, IReadOnlyList<HostAddress> there)
    {
        var outer = there.Where(IsOuter).ToList();
        if (!string.IsNullOrEmpty(given))
            return Given(given, there);
        // Version 6 beside 4 is not a choice to bother people with.
        var candidates = outer.Where(one => one.Address.AddressFamily == AddressFamily.InterNetwork).ToList() is [_, ..] four ? four : outer;
        return candidates switch
        {
            [var only] => only.Address,
            [] => throw UserError.Usage("this host has no address at which others could reach it", $"connect it to a network, or name its address: {Flag} 10.0.0.1"),
            _ => throw UserError.Usage(
                $"could not choose an IP address to advertise since this system has multiple addresses: {string.Join(", ", candidates.Select(one => $"{one.Address} on {one.Interface}"))}",
                $"specify one with {Flag}"),
        };
    }

    private static IPAddress Given(string given, IReadOnlyList<HostAddress> there)
    {
        if (IPAddress.TryParse(given, out var address))
        {
            // An address that is not an interface's may be one that a router forwards to this host.
            return address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any)
                ? throw UserError.Usage($"{Flag} {given}: others cannot reach this host there", Named(there))
                : address;
        }
        var own = there.Where(one => one.Interface == given && !one.Address.IsIPv6LinkLocal).ToList();
        return own switch
        {
            [] => throw UserError.Usage($"{Flag} '{given}' is neither an IP address nor an interface of this host that has one", Named(there)),
            [var only] => only.Address,
            _ => own.Where(one => one.Address.AddressFamily == AddressFamily.InterNetwork).ToList() is [var four] ? four.Address
                : throw UserError.Usage($"interface {given} has several addresses: {string.Join(", ", own.Select(one => one.Address))}", $"specify one of them with {Flag}"),
        };
    }

    private static string Named(IReadOnlyList<HostAddress> there) =>
        there.Where(IsOuter).Select(one => $"{one.Address} on {one.Interface}").ToList() is [_, ..] names ? $"this host has {string.Join(", ", names)}" : "give an IP address, such as 10.0.0.1";

    private static bool IsOuter(HostAddress one) =>
        !IPAddress.IsLoopback(one.Address) && !one.Address.IsIPv6LinkLocal && !Inner.Any(prefix => one.Interface.StartsWith(prefix, StringComparison.Ordinal))
        && !(one.Address.AddressFamily == AddressFamily.InterNetwork && one.Address.GetAddressBytes() is [169, 254, ..]);
}
