namespace Berth.Agent.Names;

/// <summary>Numbers of RFC 1035, 2782 and 6891 that are used here.</summary>
internal static class DnsCode
{
    public const ushort Address = 1;
    public const ushort Pointer = 12;
    public const ushort Address6 = 28;
    public const ushort Server = 33;
    public const ushort Options = 41;
    public const ushort Any = 255;
    public const ushort Internet = 1;

    public const byte Done = 0;
    public const byte Malformed = 1;
    public const byte Failed = 2;
    public const byte NoSuchName = 3;
    public const byte NotImplemented = 4;
    public const byte Refused = 5;

    public const int HeaderLength = 12;
    public const int LongestName = 255;
    public const int LongestLabel = 63;
    public const int LongestMessage = 65535;

    /// <summary>What every client takes by UDP.</summary>
    public const int ShortMessage = 512;

    /// <summary>What passes every link whole.</summary>
    public const int LongestDatagram = 1232;
}
