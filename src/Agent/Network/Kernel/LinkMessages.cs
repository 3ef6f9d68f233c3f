using System.Buffers.Binary;
using System.Net;

namespace Berth.Agent.Network.Kernel;

/// <summary>Messages that make, change and remove what a network stack has. Each is one call of the kernel.</summary>
internal static class LinkMessages
{
    private const ushort Make = Flag.Acknowledge | Flag.Create | Flag.Exclusive;
    private const ushort Put = Flag.Acknowledge | Flag.Create | Flag.Replace;

    /// <summary>A veth, one end here and the other in another namespace. Only the former is up: the kernel brings up none before it has both.</summary>
    public static NetlinkMessage Veth(string here, HardwareAddress hereAddress, string there, HardwareAddress thereAddress, int mtu, int thereDescriptor) =>
        NetlinkMessage.Link(Message.NewLink, Make, state: LinkAttribute.Up)
            .With(LinkAttribute.Name, here).With(LinkAttribute.Mtu, (uint)mtu).With(LinkAttribute.Address, hereAddress)
            .Nested(LinkAttribute.Info, info => info.With(LinkAttribute.InfoKind, "veth").Nested(LinkAttribute.InfoData, data => data
                .Nested(LinkAttribute.VethPeer, peer => peer.Put(NetlinkMessage.Interface(0, 0))
                    .With(LinkAttribute.Name, there).With(LinkAttribute.Mtu, (uint)mtu).With(LinkAttribute.Address, thereAddress)
                    .With(LinkAttribute.NamespaceDescriptor, (uint)thereDescriptor))));

    /// <summary>The VXLAN device, up: it learns nothing and floods nothing.</summary>
    public static NetlinkMessage Vxlan(OverlayDevice device)
    {
        var port = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(port, (ushort)device.Port);
        return NetlinkMessage.Link(Message.NewLink, Make, state: LinkAttribute.Up)
            .With(LinkAttribute.Name, InterfaceNames.Overlay).With(LinkAttribute.Mtu, (uint)device.Mtu).With(LinkAttribute.Address, device.Hardware)
            .Nested(LinkAttribute.Info, info => info.With(LinkAttribute.InfoKind, "vxlan").Nested(LinkAttribute.InfoData, data => data
                .With(LinkAttribute.VxlanId, (uint)device.Id).With(LinkAttribute.VxlanLocal, device.Underlay)
                .With(LinkAttribute.VxlanLearning, (byte)0).With(LinkAttribute.VxlanPort, port)));
    }

    public static NetlinkMessage Up(int index) => NetlinkMessage.Link(Message.NewLink, Flag.Acknowledge, index, LinkAttribute.Up);

    public static NetlinkMessage Remove(string name) =>
        NetlinkMessage.Link(Message.DeleteLink, Flag.Acknowledge).With(LinkAttribute.Name, name);

    public static NetlinkMessage Address(bool isThere, int index, IPAddress address, int length, byte scope, bool routed)
    {
        var message = new NetlinkMessage(isThere ? Message.NewAddress : Message.DeleteAddress, isThere ? Put : Flag.Acknowledge)
            .Put([Family.Ipv4, (byte)length, 0, scope, .. BitConverter.GetBytes(index)])
            .With(AddressAttribute.Local, address).With(AddressAttribute.Address, address);
        return isThere && !routed ? message.With(AddressAttribute.Flags, AddressAttribute.NoPrefixRoute) : message;
    }

    /// <param name="isThere">Whether it is to be there.</param>
    /// <param name="route">The route.</param>
    /// <param name="index">Its device; 0 for none.</param>
    /// <param name="protocol">Whose it is.</param>
    public static NetlinkMessage Route(bool isThere, HostRoute route, int index, byte protocol)
    {
        var scope = route.IsUnreachable || route.Via is not null ? RouteAttribute.ScopeUniverse : RouteAttribute.ScopeLink;
        var message = new NetlinkMessage(isThere ? Message.NewRoute : Message.DeleteRoute, isThere ? Put : Flag.Acknowledge)
            .Put([Family.Ipv4, (byte)route.Destination.PrefixLength, 0, 0, 0, protocol, scope,
                route.IsUnreachable ? RouteAttribute.Unreachable : RouteAttribute.Unicast,
                .. BitConverter.GetBytes(route.Via is not null ? RouteAttribute.OnLink : 0)])
            .With(RouteAttribute.Table, route.Table);
        if (route.Destination.PrefixLength > 0)
            message.With(RouteAttribute.Destination, route.Destination.BaseAddress);
        if (index != 0)
            message.With(RouteAttribute.OutInterface, (uint)index);
        if (route.Via is { } via)
            message.With(RouteAttribute.Gateway, via);
        if (route.Source is { } source)
            message.With(RouteAttribute.PreferredSource, source);
        return message;
    }

    public static NetlinkMessage Neighbour(bool isThere, int index, IPAddress address, HardwareAddress hardware) =>
        new NetlinkMessage(isThere ? Message.NewNeighbour : Message.DeleteNeighbour, isThere ? Put : Flag.Acknowledge)
            .Put(NeighbourPart(Family.Ipv4, index, 0))
            .With(NeighbourAttribute.Destination, address).With(NeighbourAttribute.HardwareAddress, hardware);

    public static NetlinkMessage Forwarding(bool isThere, int index, HardwareAddress hardware, IPAddress underlay) =>
        new NetlinkMessage(isThere ? Message.NewNeighbour : Message.DeleteNeighbour, isThere ? Put : Flag.Acknowledge)
            .Put(NeighbourPart(Family.Bridge, index, NeighbourAttribute.Self))
            .With(NeighbourAttribute.HardwareAddress, hardware).With(NeighbourAttribute.Destination, underlay);

    public static NetlinkMessage Rule(bool isThere, HostRule rule, byte protocol)
    {
        var message = new NetlinkMessage(isThere ? Message.NewRule : Message.DeleteRule, isThere ? Make : Flag.Acknowledge)
            .Put([Family.Ipv4, 0, (byte)(rule.Source is null ? 0 : 32), 0, 0, 0, 0, rule.Goto == 0 ? RuleAttribute.ToTable : RuleAttribute.ToGoto, 0, 0, 0, 0])
            .With(RuleAttribute.Priority, rule.Priority).With(RuleAttribute.Protocol, protocol);
        if (rule.Source is { } source)
            message.With(RuleAttribute.Source, source);
        if (rule.Mask != 0)
            message.With(RuleAttribute.Mark, rule.Mark).With(RuleAttribute.Mask, rule.Mask);
        return rule.Goto == 0 ? message.With(RuleAttribute.Table, rule.Table) : message.With(RuleAttribute.Goto, rule.Goto);
    }

    private static byte[] NeighbourPart(byte family, int index, byte flags) =>
        [family, 0, 0, 0, .. BitConverter.GetBytes(index), .. BitConverter.GetBytes(NeighbourAttribute.Permanent), flags, 0];
}
