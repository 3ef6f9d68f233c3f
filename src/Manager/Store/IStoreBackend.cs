using Akka.Actor;
using Akka.Configuration;

namespace Berth.Manager.Store;

/// <summary>Where the state is kept: one journal, its snapshots and the record of who leads, behind Akka.Persistence.</summary>
/// <remarks>One contract test runs against every implementation: tests/integration/Stores.</remarks>
public interface IStoreBackend : IAsyncDisposable
{
    /// <summary><c>sqlite</c>, <c>postgres</c> or <c>etcd</c>.</summary>
    string Kind { get; }

    /// <summary>For people: where it is, without secrets.</summary>
    string Place { get; }

    /// <summary>Makes what is missing (files, tables, keys), brings it to this version's format, and asserts that its
    /// constraints and fences are there.</summary>
    /// <exception cref="InvalidDataException">It is damaged, newer than this version, or lacks a fence.</exception>
    Task PrepareAsync(CancellationToken cancellation);

    /// <summary>Settings of its plugins, to be put before all others when the actor system is made.</summary>
    Config Configuration { get; }

    /// <summary>Id of its journal plugin.</summary>
    string JournalPluginId { get; }

    /// <summary>Id of its snapshot store plugin.</summary>
    string SnapshotPluginId { get; }

    /// <summary>Gives its plugins what settings cannot carry (connections, the term), before the system's first actor starts.</summary>
    void Bind(ActorSystem system);

    /// <summary>Who leads.</summary>
    ILeaderRecord Leader { get; }

    /// <summary>The highest sequence number in the journal; 0 when it is empty. What standbys wait on.</summary>
    Task<long> HeadAsync(CancellationToken cancellation);
}
