using System.Collections.Immutable;
using Berth.Manager.Store;
using Berth.Model;
using Google.Protobuf;
using Grpc.Core;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Api;

/// <summary>Calls that show how something comes about: a message at once, then one at each change.</summary>
internal sealed class FollowCalls(IClusterView view, StateFeed feed, TimeProvider time)
{
    /// <summary>Between two messages at least. Changes meanwhile become one message.</summary>
    public static readonly TimeSpan Spacing = TimeSpan.FromMilliseconds(50);

    // A message about thousands of tasks takes a while to make: pausing this many times as long bounds what one reader
    // costs to a tenth of a core.
    private const int PauseForEffort = 9;

    public async Task ServicesAsync(
        V1.FollowServicesRequest request, IServerStreamWriter<V1.ServicesProgress> stream, CancellationToken cancellation)
    {
        RequestLimits.References("services", request.Services);
        var followed = request.Services.Select(reference => Followed(view.Current, reference)).DistinctBy(service => service.Id).ToList();
        var ids = followed.Select(service => service.Id).ToImmutableHashSet();

        // A node that goes down changes what counts as running, whichever service it is.
        await FollowAsync(
            touched => !touched.Nodes.IsEmpty || touched.Services.Overlaps(ids),
            (state, now) =>
            {
                var progress = followed.Select(service => Progress.OfService(state, service.Id, service.Name, now)).ToList();
                return (new V1.ServicesProgress { Services = { progress.Select(one => one.Shown) } }, progress.Min(one => one.AskAgainAt));
            },
            stream,
            cancellation);
    }

    public async Task DrainAsync(
        V1.FollowDrainRequest request, IServerStreamWriter<V1.DrainProgress> stream, CancellationToken cancellation)
    {
        RequestLimits.Reference("node", request.Node);
        var node = References.Node(view.Current, request.Node).OrThrow().Id;
        await FollowAsync(_ => true, (state, now) => Progress.OfDrain(state, node, now), stream, cancellation);
    }

    private async Task FollowAsync<T>(
        Func<Touched, bool> matters, Func<ClusterState, DateTimeOffset, (T Message, DateTimeOffset? AskAgainAt)> show,
        IServerStreamWriter<T> stream, CancellationToken cancellation)
        where T : class, IMessage<T>
    {
        var states = new LatestState(view, matters);
        using var listening = feed.Listen(states);
        var state = await states.NextAsync(null, time, cancellation) ?? view.Current;
        T? last = null;
        while (true)
        {
            var began = time.GetTimestamp();
            var (message, askAgainAt) = show(state, time.GetUtcNow());
            if (!message.Equals(last))
                await stream.WriteAsync(last = message, cancellation);
            var pause = PauseForEffort * time.GetElapsedTime(began);
            await Task.Delay(pause > Spacing ? pause : Spacing, time, cancellation);

            var patience = askAgainAt is { } at ? Positive(at - time.GetUtcNow()) : (TimeSpan?)null;
            state = await states.NextAsync(patience, time, cancellation) ?? state;
        }
    }

    // An id is taken as it is, also of a service that is gone: whoever removed it waits for its tasks to stop.
    private static (ServiceId Id, string Name) Followed(ClusterState state, string reference)
    {
        if (ServiceId.TryParse(reference, out var id) && !state.Services.ContainsKey(id))
            return (id, reference);
        var service = References.Service(state, reference).OrThrow();
        return (service.Id, service.Spec.Name);
    }

    private static TimeSpan Positive(TimeSpan span) => span > TimeSpan.FromMilliseconds(1) ? span : TimeSpan.FromMilliseconds(1);
}
