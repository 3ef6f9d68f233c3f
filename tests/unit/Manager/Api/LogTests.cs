using System.Threading.Channels;
using Berth.Manager.Api;
using Berth.Model;
using CsCheck;
using Google.Protobuf.WellKnownTypes;
using V1 = Berth.Protocol.V1;

namespace Berth.Tests.Manager.Api;

public sealed class LogTests
{
    private static V1.LogItem Line(int second, string from = "") => new()
    {
        Line = new V1.LogLine { Time = Cluster.Start.AddSeconds(second).ToTimestamp(), TaskName = from },
    };

    private static ChannelReader<V1.LogItem> Source(IEnumerable<V1.LogItem> items)
    {
        var channel = Channel.CreateUnbounded<V1.LogItem>();
        foreach (var item in items)
            channel.Writer.TryWrite(item);
        channel.Writer.Complete();
        return channel.Reader;
    }

    private static async Task<List<V1.LogItem>> Merge(params IEnumerable<V1.LogItem>[] sources)
    {
        var merged = new List<V1.LogItem>();
        await foreach (var item in LogMerge.ByTime([.. sources.Select(Source)], CancellationToken.None))
            merged.Add(item);
        return merged;
    }

    [Fact]
    public async Task Lines_of_several_tasks_come_in_the_order_of_their_time()
    {
        var merged = await Merge([Line(1), Line(4)], [Line(2), Line(3)], []);
        Assert.Equal([1, 2, 3, 4], merged.Select(item => (item.Line.Time.ToDateTimeOffset() - Cluster.Start).TotalSeconds));
    }

    [Fact]
    public async Task A_notice_in_the_middle_holds_nothing_back()
    {
        var merged = await Merge([Line(1), new V1.LogItem { Notice = "broke" }], [Line(5)]);
        Assert.Equal("broke", merged[1].Notice);
        Assert.Equal(3, merged.Count);
    }

    [Fact]
    public async Task Merging_loses_nothing_and_keeps_each_tasks_order()
    {
        await Gen.Int[0, 9].Array[0, 8].Array[0, 5].SampleAsync(async logs =>
        {
            var sources = logs.Select((log, at) => log.Order().Select((second, line) => Line(second, $"{at}:{line}")).ToList()).ToArray();
            var merged = await Merge(sources);
            var isSorted = merged.Zip(merged.Skip(1)).All(pair => LogMerge.Time(pair.Item1) <= LogMerge.Time(pair.Item2));
            var isWhole = sources.Select((source, at) => merged.Where(item => item.Line.TaskName.StartsWith($"{at}:", StringComparison.Ordinal))
                .SequenceEqual(source)).All(same => same);
            return isSorted && isWhole && merged.Count == logs.Sum(log => log.Length);
        }, iter: 200);
    }

    [Fact]
    public void Nodes_that_cannot_answer_are_named_with_the_tasks_whose_logs_are_missing()
    {
        var state = new Cluster().Node(1, "n1").Node(2, "n2", NodeState.Down).Service(1, "web", 4)
            .Task(1, 1, 1, 1).Task(2, 1, 2, 2).Task(3, 1, 3, 2).Task(4, 1, 4, null, TaskState.Pending).State;
        var sources = LogSources.Among(state, state.Tasks.Values);
        Assert.Equal(["web.1"], sources.Readable.Select(source => source.Name));
        Assert.Contains("n2 is down: no logs of web.2, web.3 from there", sources.Notices);
        Assert.Contains("web.4 has written nothing yet: it is pending", sources.Notices);
    }

    [Fact]
    public void Ended_tasks_are_read_too_but_not_those_that_never_had_a_container()
    {
        var state = new Cluster().Node(1, "n1").Service(1, "web")
            .Task(1, 1, 1, 1, TaskState.Failed)
            .Task(2, 1, 1, 1, TaskState.Rejected, edit: task => task with { Status = task.Status with { ContainerId = "" } }).State;
        var sources = LogSources.Among(state, state.Tasks.Values);
        Assert.Equal([Cluster.TaskId(1)], sources.Readable.Select(source => source.Task.Id));
        Assert.Empty(sources.Notices);
    }

    [Fact]
    public void No_more_logs_are_opened_at_once_than_the_limit_and_the_rest_is_told()
    {
        var cluster = new Cluster().Node(1, "n1").Service(1, "web", 300);
        for (var slot = 1; slot <= LogSources.Most + 1; slot++)
            cluster.Task(slot, 1, slot, 1);
        var sources = LogSources.Among(cluster.State, cluster.State.Tasks.Values);
        Assert.Equal(LogSources.Most, sources.Readable.Length);
        Assert.Contains("257 tasks have logs", Assert.Single(sources.Notices));
    }
}
