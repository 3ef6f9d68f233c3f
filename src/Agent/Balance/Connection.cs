using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using Berth.Agent.Network;
using Berth.Agent.Network.Kernel;

namespace Berth.Agent.Balance;

/// <summary>A connection as the kernel tracks it.</summary>
/// <param name="Protocol">6 is TCP.</param>
/// <param name="Client">Who began it.</param>
/// <param name="Called">What it called.</param>
/// <param name="Answering">Who answers.</param>
/// <param name="IsTranslated">Whether who answers is another than what was called, by the kernel's doing.</param>
/// <param name="Tuple">What the kernel knows it by.</param>
/// <param name="Id">Tells it from a later one of the same ends.</param>
internal sealed record Connection(
    byte Protocol, IPEndPoint Client, IPEndPoint Called, IPEndPoint Answering, bool IsTranslated, ImmutableArray<byte> Tuple, ImmutableArray<byte> Id)
{
    public const byte Tcp = 6;
}

/// <summary>Which connections go on to somebody who is gone. Pure.</summary>
internal static class DeadConnections
{
    /// <summary>Those of them that were led to a container which is not alive.</summary>
    /// <param name="connections">What the kernel tracks.</param>
    /// <param name="pool">Where containers' addresses are from.</param>
    /// <param name="alive">Addresses that may be answering.</param>
    public static IEnumerable<Connection> Of(IEnumerable<Connection> connections, IPNetwork pool, ImmutableHashSet<IPAddress> alive) =>
        connections.Where(connection => connection.IsTranslated && pool.Contains(connection.Answering.Address) && !alive.Contains(connection.Answering.Address));
}

/// <summary>The kernel's table of connections.</summary>
internal sealed class ConnectionTable(NetlinkSocket socket) : IDisposable
{
    private const int NoEntry = 2;
    private const ushort Original = 1;
    private const ushort Reply = 2;
    private const ushort Status = 3;
    private const ushort Identity = 12;
    private const ushort Filter = 25;
    private const ushort HoldsOthers = 0x8000;
    private const ushort FilterOriginal = 1;
    private const ushort FilterReply = 2;
    private const uint FilterSource = 1;
    private const uint DestinationTranslated = 1 << 5;

    private const ushort Addresses = 1;
    private const ushort Source = 1;
    private const ushort Destination = 2;
    private const ushort Ports = 2;
    private const ushort ProtocolNumber = 1;
    private const ushort SourcePort = 2;
    private const ushort DestinationPort = 3;

    /// <summary>All IPv4 connections, or those that one address answers.</summary>
    /// <remarks>Kernels before 5.8 do not know the filter and list all.</remarks>
    public List<Connection> List(IPAddress? answering = null)
    {
        var message = Netfilter.Message(Netfilter.GetConnections, Flag.Dump);
        if (answering is not null)
        {
            message.Nested(Reply | HoldsOthers, reply => reply.Nested(Addresses | HoldsOthers, addresses => addresses.With(Source, answering)))
                .Nested(Filter | HoldsOthers, filter => filter.With(FilterOriginal, 0u).With(FilterReply, FilterSource));
        }
        var found = new List<Connection>();
        socket.Each(message, "list connections", (_, content) =>
        {
            if (Read(content[Netfilter.FixedLength..]) is { } connection && (answering is null || connection.Answering.Address.Equals(answering)))
                found.Add(connection);
        });
        return found;
    }

    /// <summary>Forgets one, with its translation.</summary>
    public void Delete(Connection connection) => socket.Do(
        Netfilter.Message(Netfilter.DeleteConnection, Flag.Acknowledge)
            .With(Original, connection.Tuple.AsSpan()).With(Identity, connection.Id.AsSpan()),
        $"forget the connection from {connection.Client} to {connection.Called}", NoEntry);

    /// <inheritdoc/>
    public void Dispose() => socket.Dispose();

    private static Connection? Read(ReadOnlySpan<byte> content)
    {
        var original = AttributeWalk.Find(content, Original);
        var reply = AttributeWalk.Find(content, Reply);
        var ports = AttributeWalk.Find(original, Ports);
        if (End(original, Source, SourcePort) is not { } client || End(original, Destination, DestinationPort) is not { } called
            || End(reply, Source, SourcePort) is not { } answering || AttributeWalk.Find(ports, ProtocolNumber) is not [var protocol, ..])
            return null;
        var isTranslated = (AttributeWalk.Number(AttributeWalk.Find(content, Status)) & DestinationTranslated) != 0;
        return new Connection(protocol, client, called, answering, isTranslated, [.. original], [.. AttributeWalk.Find(content, Identity)]);
    }

    // Of protocols without ports the port is 0.
    private static IPEndPoint? End(ReadOnlySpan<byte> tuple, ushort address, ushort port)
    {
        var found = AttributeWalk.Find(AttributeWalk.Find(tuple, Addresses), address);
        if (found.Length != 4)
            return null;
        var number = AttributeWalk.Find(AttributeWalk.Find(tuple, Ports), port);
        return new IPEndPoint(Ipv4.ToAddress(BinaryPrimitives.ReadUInt32BigEndian(found)), number.Length >= 2 ? BinaryPrimitives.ReadUInt16BigEndian(number) : 0);
    }
}
