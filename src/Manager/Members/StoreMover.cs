using Akka.Actor;
using Akka.Hosting;
using Berth.Manager.Leadership;
using Berth.Manager.Store;
using Microsoft.Extensions.Logging;

namespace Berth.Manager.Members;

/// <summary>A store to move to.</summary>
/// <param name="Backend">The store, prepared.</param>
/// <param name="Term">What fences its writes.</param>
/// <param name="IsShared">Whether other managers can reach it.</param>
public sealed record StoreTarget(IMovableStore Backend, LeaderTerm Term, bool IsShared);

/// <summary>Moves the state of the leading manager from one store into another; commands wait meanwhile.</summary>
/// <remarks>In this order: everything is written, the state is put into the other store as a snapshot, the lead is taken there,
/// the host's files name the other store, the earlier store says where the state is, writing goes on. A crash before the host's
/// files are changed leaves everything as it was; one after it starts with the other store.</remarks>
public sealed class StoreMover(
    IRequiredActor<StoreActor> router, ActorSystem system, LeadershipService service, ILeadership leadership, LeadershipOptions me, StoreOptions options,
    TimeProvider time, ILogger<StoreMover> log)
{
    // Chunks have numbers of their own; in an empty store the first is free.
    private const long FirstChunk = 1;

    private static readonly TimeSpan PauseTime = TimeSpan.FromSeconds(30);

    /// <summary>Moves the state.</summary>
    /// <param name="from">Where it is.</param>
    /// <param name="to">Where it is to be; empty.</param>
    /// <param name="commit">Has the host's files name the other store: from then on there is no way back.</param>
    /// <param name="cancellation">Gives up, while that is possible.</param>
    public async Task MoveAsync(IStoreBackend from, StoreTarget to, Func<Task> commit, CancellationToken cancellation)
    {
        var store = await router.GetAsync(cancellation);
        system.Settings.InjectTopLevelFallback(to.Backend.Configuration);
        to.Backend.Bind(system);
        var epoch = leadership.Current.Epoch;
        var begun = time.GetTimestamp();
        log.LogInformation("The state moves from {From} to {To}: commands wait", from.Kind, to.Backend.Kind);
        var paused = await store.Ask<LeadershipProtocol.Paused>(new LeadershipProtocol.Pause(), PauseTime, cancellation);
        var isMoved = false;
        try
        {
            var state = paused.State;
            await to.Backend.ContinueAsync(state.Index, Math.Max(epoch, state.Epoch), cancellation);
            // Another could not have it: nobody knows of this store yet.
            var taken = await service.MoveAsync(new SharedRecord(to.Backend.Leader, to.IsShared), async () =>
            {
                var seen = await to.Backend.Leader.ReadAsync(cancellation);
                var mine = await to.Backend.Leader.TryTakeAsync(seen, me.Me, me.Url, cancellation)
                    ?? throw new InvalidDataException($"somebody else writes to {to.Backend.Place}; nothing was changed");
                to.Term.Begin(mine.Epoch);
                var files = new SnapshotFiles(system, to.Backend.SnapshotPluginId, options.ChunkBytes, time);
                await files.SaveAsync(state, state.Index, FirstChunk, cancellation);
                await commit();
                isMoved = true;
                return mine;
            }, cancellation);
            await MarkAsync(from, to.Backend, epoch);
            store.Tell(new LeadershipProtocol.Resume(taken.Epoch, new StorePlugins(to.Backend.JournalPluginId, to.Backend.SnapshotPluginId)));
            log.LogInformation("The state is in {To} at {Place}: index {Index}, epoch {Epoch}; commands waited {Milliseconds:0} ms",
                to.Backend.Kind, to.Backend.Place, state.Index, taken.Epoch, time.GetElapsedTime(begun).TotalMilliseconds);
        }
        catch (Exception error) when (!isMoved)
        {
            log.LogError("The state stays in {From}: {Reason}", from.Kind, error.GetBaseException().Message);
            store.Tell(new LeadershipProtocol.Resume(epoch, null));
            throw;
        }
    }

    // Whoever finds the earlier store is told where the state is. It is fenced by this host's files already.
    private async Task MarkAsync(IStoreBackend from, IStoreBackend to, long epoch)
    {
        try
        {
            if (from is IMovableStore movable)
                await movable.MarkMovedAsync(to.Kind, epoch, CancellationToken.None);
        }
        catch (Exception error) when (error is IOException or InvalidDataException or FencedException)
        {
            log.LogWarning("The earlier store at {Place} was not marked as moved: {Reason}. Remove it by hand", from.Place, error.Message);
        }
    }
}
