using Berth.Manager.Store;

namespace Berth.Manager.Members;

/// <summary>Where the state is kept now: it may move while the manager runs.</summary>
public sealed class ActiveStore(IStoreBackend backend)
{
    private volatile IStoreBackend _backend = backend;

    /// <summary>The store.</summary>
    public IStoreBackend Backend => _backend;

    /// <summary>From now on this one.</summary>
    public void Become(IStoreBackend backend) => _backend = backend;
}
