using Berth.Manager.Journals.Sqlite;
using Berth.Manager.Store;

namespace Berth.Manager.Members;

/// <summary>Where the state is kept now: it may move while the manager runs.</summary>
public sealed class ActiveStore(IStoreBackend backend)
{
    private volatile IStoreBackend _backend = backend;

    /// <summary>The store.</summary>
    public IStoreBackend Backend => _backend;

    /// <summary>The term of SQLite files, whenever this process writes to some. There is one for them all: the plugins keep the connections, and so
    /// the fence, of the first time they were used.</summary>
    public LeaderTerm FilesTerm { get; } = (backend as SqliteStore)?.Term ?? new LeaderTerm();

    /// <summary>From now on this one.</summary>
    public void Become(IStoreBackend backend) => _backend = backend;
}
