using System.Globalization;
using System.Net;
using Berth.Model;
using Berth.Model.Networks;
using Google.Protobuf.WellKnownTypes;
using V1 = Berth.Protocol.V1;

namespace Berth.Protocol;

/// <summary>The only mapping between networks, endpoints and addresses on the wire and in the model. Both ways lose nothing.</summary>
/// <remarks>Reading throws <see cref="FormatException"/> for what is no address, no network or no id.</remarks>
public static class NetworkMapper
{
    /// <summary>Writes a network.</summary>
    public static V1.Network ToWire(this Network network) => new()
    {
        Id = network.Id.ToString(),
        Version = network.Version,
        CreatedAt = network.CreatedAt.ToTimestamp(),
        Spec = network.Spec.ToWire(),
        Subnet = network.Subnet.ToString(),
        Leaving = network.IsLeaving,
    };

    /// <summary>Reads a network.</summary>
    public static Network ToModel(this V1.Network wire) => new()
    {
        Id = NetworkId.Parse(wire.Id),
        Version = wire.Version,
        CreatedAt = wire.CreatedAt.ToDateTimeOffset(),
        Spec = wire.Spec.ToModel(),
        Subnet = ReadPrefix(wire.Subnet),
        IsLeaving = wire.Leaving,
    };

    /// <summary>Writes a network's spec.</summary>
    public static V1.NetworkSpec ToWire(this NetworkSpec spec) => new()
    {
        Name = spec.Name,
        Labels = { spec.Labels.ToDictionary() },
        Driver = spec.Driver,
        DriverOptions = { spec.DriverOptions.ToDictionary() },
        Internal = spec.IsInternal,
        Attachable = spec.IsAttachable,
        Subnet = spec.Subnet?.ToString() ?? "",
    };

    /// <summary>Reads a network's spec; no driver is the one there is.</summary>
    public static NetworkSpec ToModel(this V1.NetworkSpec wire) => new()
    {
        Name = wire.Name,
        Labels = ValueMap.From(wire.Labels),
        Driver = wire.Driver.Length == 0 ? NetworkSpec.Overlay : wire.Driver,
        DriverOptions = ValueMap.From(wire.DriverOptions),
        IsInternal = wire.Internal,
        IsAttachable = wire.Attachable,
        Subnet = wire.Subnet.Length == 0 ? null : ReadPrefix(wire.Subnet),
    };

    /// <summary>Writes an attachment.</summary>
    public static V1.NetworkAttachment ToWire(this NetworkAttachment attachment) =>
        new() { Target = attachment.Target, Aliases = { attachment.Aliases }, Ipv4Address = attachment.Address?.ToString() ?? "" };

    /// <summary>Reads an attachment.</summary>
    public static NetworkAttachment ToModel(this V1.NetworkAttachment wire) => new()
    {
        Target = wire.Target,
        Aliases = wire.Aliases.ToValueList(),
        Address = wire.Ipv4Address.Length == 0 ? null : ReadAddress(wire.Ipv4Address),
    };

    /// <summary>Writes how a service is to be reached; null for what is so by default.</summary>
    public static V1.EndpointSpec? ToWire(this EndpointSpec spec) => spec == EndpointSpec.Default
        ? null
        : new() { Mode = (V1.EndpointMode)spec.Mode, Ports = { spec.Ports.Select(ToWire) } };

    /// <summary>Reads how a service is to be reached.</summary>
    public static EndpointSpec ToModel(this V1.EndpointSpec? wire) => wire is null
        ? EndpointSpec.Default
        : new() { Mode = (EndpointMode)wire.Mode, Ports = wire.Ports.Select(ToModel).ToValueList() };

    /// <summary>Writes what a service was given; null for nothing.</summary>
    public static V1.ServiceEndpoint? ToWire(this ServiceEndpoint endpoint) => endpoint == ServiceEndpoint.None
        ? null
        : new()
        {
            VirtualAddresses =
            {
                endpoint.VirtualAddresses.Select(vip => new V1.VirtualAddress { NetworkId = vip.Network.ToString(), Address = vip.Address.ToString() }),
            },
            Ports = { endpoint.Ports.Select(ToWire) },
        };

    /// <summary>Reads what a service was given.</summary>
    public static ServiceEndpoint ToModel(this V1.ServiceEndpoint? wire) => wire is null
        ? ServiceEndpoint.None
        : new()
        {
            VirtualAddresses = wire.VirtualAddresses.Select(vip => new VirtualAddress(NetworkId.Parse(vip.NetworkId), ReadAddress(vip.Address))).ToValueList(),
            Ports = wire.Ports.Select(ToModel).ToValueList(),
        };

    /// <summary>Writes a port of every node.</summary>
    public static V1.PublishedPort ToWire(this PublishedPort port) =>
        new() { Name = port.Name, Protocol = Word(port.Protocol), Target = port.Target, Published = port.Published };

    /// <summary>Reads a port of every node.</summary>
    public static PublishedPort ToModel(this V1.PublishedPort wire) => new(wire.Name, ReadProtocol(wire.Protocol), wire.Target, wire.Published);

    /// <summary>Writes a task's address.</summary>
    public static V1.TaskAddress ToWire(this TaskAddress address) =>
        new() { NetworkId = address.Network.ToString(), Address = address.Address.ToString() };

    /// <summary>Reads a task's address.</summary>
    public static TaskAddress ToModel(this V1.TaskAddress wire) => new(NetworkId.Parse(wire.NetworkId), ReadAddress(wire.Address));

    /// <summary>Writes a node's slice.</summary>
    public static V1.NodeSlice ToWire(this NodeSlice slice) => new() { NetworkId = slice.Network.ToString(), Prefix = slice.Prefix.ToString() };

    /// <summary>Reads a node's slice.</summary>
    public static NodeSlice ToModel(this V1.NodeSlice wire) => new(NetworkId.Parse(wire.NetworkId), ReadPrefix(wire.Prefix));

    /// <summary>Writes what an agent can do for networks; null when it says nothing.</summary>
    public static V1.NodeNetworking? ToWire(this NodeNetworking networking) => networking == NodeNetworking.Unknown
        ? null
        : new() { Way = networking.Way, Problem = networking.Problem, Routes = { networking.Routes.Select(route => route.ToString()) } };

    /// <summary>Reads what an agent can do for networks.</summary>
    public static NodeNetworking ToModel(this V1.NodeNetworking? wire) => wire is null
        ? NodeNetworking.Unknown
        : new() { Way = wire.Way, Problem = wire.Problem, Routes = wire.Routes.Select(ReadPrefix).ToValueList() };

    /// <summary>Reads an address.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static IPAddress ReadAddress(string text) => IPAddress.TryParse(text, out var address)
        ? address
        : throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"'{text}' is not an IP address"));

    /// <summary>Reads addresses of one prefix, such as <c>10.130.0.0/20</c>.</summary>
    /// <exception cref="FormatException">They are none.</exception>
    public static IPNetwork ReadPrefix(string text) => IPNetwork.TryParse(text, out var prefix)
        ? prefix
        : throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"'{text}' is not a network such as 10.130.0.0/20"));

    private static string Word(PortProtocol protocol) => protocol switch
    {
        PortProtocol.Udp => "udp",
        PortProtocol.Sctp => "sctp",
        _ => "tcp",
    };

    private static PortProtocol ReadProtocol(string word) => word switch
    {
        "tcp" or "" => PortProtocol.Tcp,
        "udp" => PortProtocol.Udp,
        "sctp" => PortProtocol.Sctp,
        _ => throw new FormatException($"'{word}' is not a protocol; known are tcp, udp and sctp"),
    };
}
