using System.Collections.Concurrent;
using System.Collections.Immutable;
using Berth.Manager.Store;
using Berth.Model;
using Grpc.Net.Client;

namespace Berth.Manager.Peers;

/// <summary>A manager and where it answers.</summary>
/// <param name="Node">Its node id.</param>
/// <param name="Url"><c>https://ADDRESS:PORT</c>.</param>
public sealed record PeerPlace(NodeId Node, string Url);

/// <summary>How this manager finds and dials the others.</summary>
public sealed record PeerOptions
{
    /// <summary>This manager's node id.</summary>
    public NodeId Me { get; init; }

    /// <summary>This program's version.</summary>
    public string Version { get; init; } = "";

    /// <summary>Every manager there is, this one included, by what the state says; none for one that is alone.</summary>
    public Func<ClusterState, ImmutableArray<PeerPlace>> Managers { get; init; } = _ => [];

    /// <summary>A channel of its own to a manager's address.</summary>
    public Func<string, GrpcChannel> Dial { get; init; } = GrpcChannel.ForAddress;
}

/// <summary>The other managers, and a connection to each that is kept.</summary>
/// <remarks>Not the connection on which a standby follows the leader: a stream that nobody reads holds up no heartbeat.</remarks>
public sealed class PeerDirectory(PeerOptions options, IClusterView view) : IDisposable
{
    private readonly ConcurrentDictionary<string, GrpcChannel> _channels = new(StringComparer.Ordinal);

    /// <summary>This manager.</summary>
    public NodeId Me => options.Me;

    /// <summary>Every manager, this one included.</summary>
    public ImmutableArray<PeerPlace> All => options.Managers(view.Current);

    /// <summary>Every manager but this one.</summary>
    public ImmutableArray<PeerPlace> Others => [.. All.Where(manager => manager.Node != options.Me)];

    /// <summary>Calls to a manager.</summary>
    internal Protocol.V1.PeerTalk.PeerTalkClient Talk(PeerPlace manager) => new(_channels.GetOrAdd(manager.Url, options.Dial));

    /// <summary>A manager's host name; its id when the state lacks it.</summary>
    public string NameOf(NodeId node) =>
        view.Current.Nodes.TryGetValue(node, out var found) ? $"'{found.Description.Hostname}'" : node.ToString();

    /// <summary>Lets go of connections to addresses where no manager is any more.</summary>
    internal void Keep(IEnumerable<PeerPlace> managers)
    {
        foreach (var url in _channels.Keys.Except(managers.Select(manager => manager.Url)))
        {
            if (_channels.TryRemove(url, out var channel))
                channel.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Keep([]);
}
