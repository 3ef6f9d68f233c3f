namespace Berth.Manager.Store;

/// <summary>A store whose state can move elsewhere, and to which one can move.</summary>
public interface IMovableStore : IStoreBackend
{
    /// <summary>Makes an empty store the continuation of another: its log goes on behind <paramref name="head"/>, and whoever takes
    /// the lead in it leads in a later term than <paramref name="epoch"/>. The snapshot at <paramref name="head"/> is written
    /// afterwards, by who took the lead.</summary>
    /// <exception cref="InvalidDataException">It is not empty.</exception>
    Task ContinueAsync(long head, long epoch, CancellationToken cancellation);

    /// <summary>The state is elsewhere from now on: nobody may lead here any more, and who tries is told where it is.</summary>
    /// <param name="place">Where, for people: <c>etcd</c>, or <c>postgres</c> and its host.</param>
    /// <param name="epoch">The term of the leader that moves it; nothing is done when another leads.</param>
    /// <param name="cancellation">Gives up.</param>
    Task MarkMovedAsync(string place, long epoch, CancellationToken cancellation);
}

/// <summary>The state is not in this store any more.</summary>
public sealed class StoreMovedException(string place, string message) : IOException(message)
{
    /// <summary>Where it is.</summary>
    public string Place { get; } = place;
}
