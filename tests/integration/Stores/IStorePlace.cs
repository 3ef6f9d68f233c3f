using Berth.Manager.Store;

namespace Berth.Tests.Integration.Stores;

/// <summary>Somewhere a cluster's state can be kept: files, or a server of its own that tests may kill.</summary>
public interface IStorePlace : IAsyncDisposable
{
    /// <summary>The store as one more manager opens it; not prepared.</summary>
    IStoreBackend Open(LeaderTerm term);

    /// <summary>Ends the server without a word, as a loss of power would.</summary>
    Task KillAsync();

    /// <summary>Starts the server again and waits until it answers.</summary>
    Task StartAsync();
}
