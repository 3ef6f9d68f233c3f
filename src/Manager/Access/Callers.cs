using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Berth.Identity;
using Berth.Protocol;
using Berth.Protocol.V1;
using Google.Protobuf;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Berth.Manager.Access;

/// <summary>Reads who calls from the connection, and from what another manager says of a call that it passes on.</summary>
/// <param name="hostname">This host's name.</param>
/// <param name="trustsOpenNetwork">In a lab: a network connection without TLS counts as the local socket.</param>
public sealed class Callers(string hostname, bool trustsOpenNetwork)
{
    /// <summary>The metadata in which a manager says on whose behalf it calls. Believed only from a manager.</summary>
    public const string Header = "berth-caller-bin";

    // Peer credentials of a unix socket: process, user, group.
    private const int SocketLevel = 1;
    private const int PeerCredentials = 17;
    private const int CredentialBytes = 12;

    // A name, an address, two numbers and a hash.
    private const int LongestHeader = 2_048;

    private static readonly object PeerKey = new();

    /// <summary>Who calls; read once a call.</summary>
    public Caller Of(HttpContext call)
    {
        if (call.Features.Get<Caller>() is { } known)
            return known;
        var peer = Peer(call);
        var caller = peer.Kind == CallerKind.Manager && call.Request.Headers.TryGetValue(Header, out var passedOn) ? Original(passedOn.ToString(), peer) : peer;
        call.Features.Set(caller);
        return caller;
    }

    /// <summary>What the metadata says when <paramref name="caller"/>'s call is passed on.</summary>
    public static string ToHeader(Caller caller) => Convert.ToBase64String(caller.ToWire().ToByteArray());

    // A header that cannot be read names nobody: the call is refused, and not taken for the manager's own.
    private static Caller Original(string header, Caller manager)
    {
        if (header.Length > LongestHeader || BinaryHeader.Read(header) is not { } bytes)
            return new Caller(CallerKind.Anonymous, "", manager.From) { Via = manager };
        try
        {
            return Caller.FromWire(OriginalCaller.Parser.ParseFrom(bytes), manager);
        }
        catch (InvalidProtocolBufferException)
        {
            return new Caller(CallerKind.Anonymous, "", manager.From) { Via = manager };
        }
    }

    // The same for every call of a connection.
    private Caller Peer(HttpContext call)
    {
        var kept = call.Features.Get<IConnectionItemsFeature>()?.Items;
        if (kept is not null && kept.TryGetValue(PeerKey, out var known) && known is Caller peer)
            return peer;
        peer = ReadPeer(call);
        if (kept is not null)
            kept[PeerKey] = peer;
        return peer;
    }

    private Caller ReadPeer(HttpContext call)
    {
        var socket = call.Features.Get<IConnectionSocketFeature>()?.Socket;
        if (socket is not null && LocalPath(socket) is { } path)
            return new Caller(CallerKind.LocalRoot, $"{User(socket)} on '{hostname}'", $"unix://{path}");
        var from = call.Connection.RemoteIpAddress is { } address ? new IPEndPoint(address, call.Connection.RemotePort).ToString() : "unknown";
        if (call.Features.Get<ITlsHandshakeFeature>() is null)
            return trustsOpenNetwork ? new Caller(CallerKind.LocalRoot, $"somebody in the lab of '{hostname}'", from) : new Caller(CallerKind.Anonymous, "", from);
        if (call.Connection.ClientCertificate is not { } certificate || !NodeCertificate.TryRead(certificate, out var read, out _))
            return new Caller(CallerKind.Anonymous, "", from);
        var kind = read.Role switch
        {
            CertificateRole.Manager => CallerKind.Manager,
            CertificateRole.Worker => CallerKind.Worker,
            _ => CallerKind.Client,
        };
        return new Caller(kind, read.Name, from)
        {
            Serial = read.Serial,
            KeyHash = NodeCertificate.KeyHash(certificate),
            ExpiresAt = read.NotAfter,
        };
    }

    // Null of who hung up meanwhile, too: who is gone is nobody, and learns nothing.
    private static UnixDomainSocketEndPoint? LocalPath(Socket socket)
    {
        try
        {
            return socket.LocalEndPoint as UnixDomainSocketEndPoint;
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            return null;
        }
    }

    private static string User(Socket socket)
    {
        Span<byte> credentials = stackalloc byte[CredentialBytes];
        try
        {
            return socket.GetRawSocketOption(SocketLevel, PeerCredentials, credentials) == CredentialBytes
                ? BinaryPrimitives.ReadUInt32LittleEndian(credentials[4..]) is var user and not 0 ? $"user {user}" : "root"
                : "somebody";
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            // It hung up: nobody is answered, and the call ends by itself.
            return "somebody";
        }
    }
}
