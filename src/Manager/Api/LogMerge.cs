using System.Runtime.CompilerServices;
using System.Threading.Channels;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Api;

/// <summary>Puts the lines of several tasks into one order.</summary>
internal static class LogMerge
{
    /// <summary>Every item of every source, lines by their time. Within a source the order stays; a notice comes as soon
    /// as it is the next of its source.</summary>
    /// <remarks>Waits for the next item of every source before it yields a line, so sources must end or fail in bounded
    /// time; memory stays at one item a source.</remarks>
    public static async IAsyncEnumerable<V1.LogItem> ByTime(
        IReadOnlyList<ChannelReader<V1.LogItem>> sources, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var heads = new PriorityQueue<(int Source, V1.LogItem Item), (DateTimeOffset Time, int Source)>();
        for (var source = 0; source < sources.Count; source++)
            await AdvanceAsync(source);

        while (heads.TryDequeue(out var next, out _))
        {
            yield return next.Item;
            await AdvanceAsync(next.Source);
        }

        async Task AdvanceAsync(int source)
        {
            if (await sources[source].WaitToReadAsync(cancellation) && sources[source].TryRead(out var item))
                heads.Enqueue((source, item), (Time(item), source));
        }
    }

    /// <summary>Sorts what arrived together by time; items of equal time keep their order.</summary>
    public static IReadOnlyList<V1.LogItem> Arrived(IReadOnlyList<V1.LogItem> batch)
    {
        if (batch.Count < 2 || batch.Any(item => item.ItemCase == V1.LogItem.ItemOneofCase.Notice))
            return batch;
        return [.. batch.OrderBy(Time)];
    }

    /// <summary>A line's time; the beginning of time for what has none.</summary>
    public static DateTimeOffset Time(V1.LogItem item) => item.Line?.Time?.ToDateTimeOffset() ?? DateTimeOffset.MinValue;
}
