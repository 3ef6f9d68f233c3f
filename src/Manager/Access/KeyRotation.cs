using Akka.Actor;
using Akka.Hosting;
using Berth.Manager.Api;
using Berth.Manager.Identity;
using Berth.Manager.Keys;
using Berth.Manager.Leadership;
using Berth.Manager.Store;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Status = Grpc.Core.Status;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Access;

/// <summary>Changes the key that rows are sealed under, step by step: every manager has stored the new key before one row names it, uses
/// it before the earlier ones are dropped, and nothing in the store names those any more by then.</summary>
/// <remarks>A step that fails leaves more keys than needed and loses nothing; the next rotation begins anew.</remarks>
internal sealed class KeyRotation(
    KeyKeeper keeper, OwnNode own, IClusterView view, ILeadership leadership, IRequiredActor<StoreActor> store, TimeProvider time, ILogger<KeyRotation> log,
    PeerChannels? peers = null)
{
    private static readonly TimeSpan OfferTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan SnapshotTime = TimeSpan.FromMinutes(5);

    private readonly SemaphoreSlim _one = new(1, 1);

    /// <summary>Rotates.</summary>
    /// <returns>The new key's id.</returns>
    /// <exception cref="RpcException">It could not be done; the message says how far it came.</exception>
    public async Task<KeyId> RunAsync(CancellationToken cancellation)
    {
        if (!await _one.WaitAsync(TimeSpan.Zero, cancellation))
            throw ApiErrors.Unavailable("the data keys are being rotated already; try again when that is done");
        try
        {
            if (!leadership.IsLeading)
                throw ApiErrors.Unavailable("this manager does not lead; ask again");
            var key = DataKey.Create(time.GetUtcNow());
            await SpreadAsync(keeper.Ring.With(key), "the new data key is not used, as not every manager has it", cancellation);
            await SpreadAsync(keeper.Ring.Using(key.Id), $"new rows are sealed under data key {key.Id}, and the earlier ones are kept", cancellation);
            await SnapshotAsync(cancellation);
            await SpreadAsync(keeper.Ring.WithoutEarlier(), $"every row is sealed under data key {key.Id}; the earlier ones are not dropped everywhere", cancellation);
            log.LogInformation("Every row is sealed under data key {Key} now", key.Id);
            return key.Id;
        }
        finally
        {
            _one.Release();
        }
    }

    private async Task SpreadAsync(KeyRing ring, string soFar, CancellationToken cancellation)
    {
        keeper.Take(ring);
        foreach (var (node, url) in ManagerEndpoints.Of(view.Current).Where(manager => manager.Node != own.Id))
        {
            try
            {
                using var channel = peers!.Dial(url);
                var held = await new V1.KeyExchange.KeyExchangeClient(channel).OfferAsync(
                    ring.ToWire(), deadline: (time.GetUtcNow() + OfferTime).UtcDateTime, cancellationToken: cancellation);
                if (held.Version != ring.Version)
                    throw new RpcException(new Status(StatusCode.FailedPrecondition, $"it has keys of version {held.Version}, this manager of {ring.Version}"));
            }
            catch (RpcException error)
            {
                var name = view.Current.Nodes.TryGetValue(node, out var known) ? known.Description.Hostname : node.ToString();
                throw ApiErrors.Precondition($"manager '{name}' did not take the data keys ({error.Status.Detail}): {soFar}. Start it, or remove it from the cluster, and rotate again");
            }
        }
    }

    private async Task SnapshotAsync(CancellationToken cancellation)
    {
        var actor = await store.GetAsync(cancellation);
        if (await actor.Ask<object>(StoreProtocol.TakeSnapshot.Instance, SnapshotTime, cancellation) is not StoreProtocol.SnapshotTaken)
            throw ApiErrors.Unavailable("the store wrote no snapshot: new rows are sealed under the new data key, and the earlier ones are kept; rotate again later");
    }
}

/// <summary>Where the leader tells this manager of other data keys.</summary>
internal sealed class KeyExchangeService(KeyKeeper keeper, ILogger<KeyExchangeService> log) : V1.KeyExchange.KeyExchangeBase
{
    public override Task<V1.KeysHeld> Offer(V1.DataKeys request, ServerCallContext context) => ApiErrors.Guard(
        () =>
        {
            var held = keeper.Take(request.ToModel());
            log.LogInformation("The data keys are of version {Version} now; rows are sealed under {Key}", held.Version, held.Current.Id);
            return Task.FromResult(new V1.KeysHeld { Version = held.Version });
        },
        context,
        log);
}
