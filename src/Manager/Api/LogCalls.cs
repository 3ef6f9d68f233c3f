using System.Threading.Channels;
using Berth.Manager.Dispatch;
using Berth.Manager.Store;
using Berth.Model;
using Grpc.Core;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Api;

/// <summary>The call about logs.</summary>
internal sealed class LogCalls(IClusterView view, StateFeed feed, IRelayHub relays, TimeProvider time)
{
    // Lines of one task held while others are waited for.
    private const int LinesAhead = 256;

    public async Task ReadAsync(V1.LogsRequest request, IServerStreamWriter<V1.LogItem> stream, CancellationToken cancellation)
    {
        RequestLimits.Reference("target", request.Target);
        if (request.Tail < -1)
            throw ApiErrors.Invalid($"tail is {request.Tail}; give a number of lines, or -1 for all");
        var since = RequestLimits.Instant("since", request.Since);
        var state = view.Current;
        var (service, task) = LogTarget.Find(state, request.Target);

        if (request.Follow)
        {
            var follower = new LogFollower(new LogPump(relays, time), view, feed, time, service?.Id, task?.Id, request.Tail, since);
            await follower.RunAsync(stream, cancellation);
            return;
        }

        var tasks = service is not null ? state.TasksOf(service.Id) : [task!];
        await ReadAllAsync(LogSources.Among(state, tasks), request.Tail, since, stream, cancellation);
    }

    /// <summary>What an agent is asked for.</summary>
    public static V1.RelayLogs Request(TaskId task, bool follow, int tail, DateTimeOffset? since) => new()
    {
        TaskId = task.ToString(),
        Follow = follow,
        Tail = tail,
        SinceUnixNs = since is { } from ? (from - DateTimeOffset.UnixEpoch).Ticks * 100 : 0,
    };

    private async Task ReadAllAsync(
        LogSources sources, int tail, DateTimeOffset? since, IServerStreamWriter<V1.LogItem> stream, CancellationToken cancellation)
    {
        foreach (var notice in sources.Notices)
            await stream.WriteAsync(new V1.LogItem { Notice = notice }, cancellation);

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var pump = new LogPump(relays, time);
        var channels = sources.Readable.Select(_ => Channel.CreateBounded<V1.LogItem>(LinesAhead)).ToList();
        var pumps = sources.Readable.Select((source, at) => PumpAsync(source, channels[at].Writer)).ToList();
        try
        {
            await foreach (var item in LogMerge.ByTime([.. channels.Select(channel => channel.Reader)], cancellation))
                await stream.WriteAsync(item, cancellation);
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(pumps);
        }

        async Task PumpAsync(LogSource source, ChannelWriter<V1.LogItem> to)
        {
            Exception? failure = null;
            try
            {
                await pump.RunAsync(source, Request(source.Task.Id, follow: false, tail, since), to, isQuiet: false, stop.Token);
            }
            catch (Exception error)
            {
                // Whoever reads the channel gets it; after the reader went away there is nobody left to tell.
                failure = error;
            }
            to.TryComplete(failure);
        }
    }
}
