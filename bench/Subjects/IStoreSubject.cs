using Berth.Manager.Store;

namespace Berth.Bench.Subjects;

/// <summary>One store of a server of its own, and the same server written to directly.</summary>
public interface IStoreSubject : IAsyncDisposable
{
    /// <summary><c>sqlite</c>, <c>postgres</c> or <c>etcd</c>.</summary>
    string Name { get; }

    /// <summary>Opens the store as one more manager.</summary>
    IStoreBackend Open(LeaderTerm term);

    /// <summary>Writes rows durably in one transaction, with nothing of Berth's in between.</summary>
    Task WriteDirectlyAsync(long first, byte[][] rows);

    /// <summary>Takes the fence's triggers away, to see what they cost; false where the fence is part of the write itself.</summary>
    Task<bool> UnfenceAsync();
}
