namespace Berth.Agent.Network.Kernel;

// Numbers of the kernel's headers linux/{netlink,rtnetlink,if_link,neighbour,fib_rules}.h; they never change.

internal static class Message
{
    public const ushort Error = 2;
    public const ushort Done = 3;
    public const ushort NewLink = 16;
    public const ushort DeleteLink = 17;
    public const ushort GetLink = 18;
    public const ushort NewAddress = 20;
    public const ushort DeleteAddress = 21;
    public const ushort GetAddress = 22;
    public const ushort NewRoute = 24;
    public const ushort DeleteRoute = 25;
    public const ushort GetRoute = 26;
    public const ushort NewNeighbour = 28;
    public const ushort DeleteNeighbour = 29;
    public const ushort GetNeighbour = 30;
    public const ushort NewRule = 32;
    public const ushort DeleteRule = 33;
    public const ushort GetRule = 34;
}

internal static class Flag
{
    public const ushort Request = 1;
    public const ushort Acknowledge = 4;
    public const ushort Dump = 0x300;
    public const ushort Replace = 0x100;
    public const ushort Exclusive = 0x200;
    public const ushort Create = 0x400;
}

internal static class Family
{
    public const byte Unspecified = 0;
    public const byte Ipv4 = 2;
    public const byte Bridge = 7;
}

internal static class LinkAttribute
{
    public const ushort Address = 1;
    public const ushort Name = 3;
    public const ushort Mtu = 4;
    public const ushort Info = 18;
    public const ushort NamespaceDescriptor = 28;

    public const ushort InfoKind = 1;
    public const ushort InfoData = 2;
    public const ushort VethPeer = 1;
    public const ushort VxlanId = 1;
    public const ushort VxlanLocal = 4;
    public const ushort VxlanLearning = 7;
    public const ushort VxlanPort = 15;

    public const uint Up = 1;
}

internal static class AddressAttribute
{
    public const ushort Address = 1;
    public const ushort Local = 2;
    public const ushort Flags = 8;

    /// <summary>The kernel makes no route to the prefix by itself.</summary>
    public const uint NoPrefixRoute = 0x200;
}

internal static class RouteAttribute
{
    public const ushort Destination = 1;
    public const ushort OutInterface = 4;
    public const ushort Gateway = 5;
    public const ushort Priority = 6;
    public const ushort PreferredSource = 7;
    public const ushort Table = 15;

    public const byte Unicast = 1;
    public const byte Unreachable = 7;
    public const byte ScopeUniverse = 0;
    public const byte ScopeLink = 253;
    public const byte ScopeHost = 254;
    public const uint OnLink = 4;
    public const uint MainTable = 254;
}

internal static class NeighbourAttribute
{
    public const ushort Destination = 1;
    public const ushort HardwareAddress = 2;

    public const ushort Permanent = 0x80;
    public const byte Self = 2;
}

internal static class RuleAttribute
{
    public const ushort Source = 2;
    public const ushort Goto = 4;
    public const ushort Priority = 6;
    public const ushort Mark = 10;
    public const ushort Table = 15;
    public const ushort Mask = 16;
    public const ushort Protocol = 21;

    public const byte ToTable = 1;
    public const byte ToGoto = 2;
}
