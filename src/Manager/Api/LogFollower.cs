using System.Threading.Channels;
using Berth.Manager.Store;
using Berth.Model;
using Grpc.Core;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Api;

/// <summary>One reader that follows logs: of the tasks there are, and of those that come. Lives for one call.</summary>
/// <param name="pump">Reads one task's log.</param>
/// <param name="view">The newest published state.</param>
/// <param name="feed">Tells of tasks that come and end.</param>
/// <param name="time">For the pace of new attempts.</param>
/// <param name="service">The service followed; null when it is one task.</param>
/// <param name="only">The task followed; null when it is a service.</param>
/// <param name="tail">Earlier lines of each task there is already; -1 is all.</param>
/// <param name="since">Only lines from then on.</param>
internal sealed class LogFollower(
    LogPump pump, IClusterView view, StateFeed feed, TimeProvider time, ServiceId? service, TaskId? only, int tail, DateTimeOffset? since)
{
    // Between looking again for what an agent could not give, and for pumps that ended.
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(1);

    private static readonly string NoRoom =
        $"{LogSources.Most} logs are read at the same time, and there are more: they follow as others end; name a task to see one now";

    // Lines that wait for a slow reader; then agents wait.
    private const int LinesAhead = 1024;

    // More than a reader could want to see once only.
    private const int NoticesRemembered = 1000;

    private readonly Channel<V1.LogItem> _items = Channel.CreateBounded<V1.LogItem>(LinesAhead);
    private readonly Dictionary<TaskId, Followed> _followed = [];
    private readonly HashSet<string> _told = [];
    private bool _hasBegun;

    public async Task RunAsync(IServerStreamWriter<V1.LogItem> stream, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var watching = WatchAsync(stop.Token);
        try
        {
            var batch = new List<V1.LogItem>();
            while (await _items.Reader.WaitToReadAsync(cancellation))
            {
                batch.Clear();
                while (batch.Count < LinesAhead && _items.Reader.TryRead(out var item))
                    batch.Add(item);
                foreach (var item in LogMerge.Arrived(batch))
                    await stream.WriteAsync(item, cancellation);
            }
        }
        finally
        {
            await stop.CancelAsync();
            await watching;
        }
    }

    // Never throws: how it ended is what the reader of the channel finds.
    private async Task WatchAsync(CancellationToken stop)
    {
        Exception? failure = null;
        try
        {
            await LookAsync(stop);
        }
        catch (Exception error)
        {
            failure = error;
        }
        _items.Writer.TryComplete(failure);
        await Task.WhenAll(_followed.Values.Select(followed => followed.Reading).OfType<Task>())
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task LookAsync(CancellationToken stop)
    {
        var states = new LatestState(view, touched => !touched.Nodes.IsEmpty || Concerns(touched));
        using var listening = feed.Listen(states);
        var state = await states.NextAsync(null, time, stop);
        while (state is not null && !await ConsiderAsync(state, stop))
            state = await states.NextAsync(Pace, time, stop) ?? state;
    }

    private bool Concerns(Touched touched) =>
        service is { } id ? touched.Services.Contains(id) : touched.Tasks.Contains(only!.Value);

    // True when there will never be another line.
    private async Task<bool> ConsiderAsync(ClusterState state, CancellationToken stop)
    {
        var tasks = service is { } id ? state.TasksOf(id)
            : state.Tasks.TryGetValue(only!.Value, out var task) ? [task]
            : Enumerable.Empty<ServiceTask>();
        var sources = LogSources.Among(state, tasks.Where(IsNotRead));
        foreach (var notice in sources.Notices.Where(_told.Add))
            await TellAsync(notice, stop);
        var room = LogSources.Most - _followed.Values.Count(followed => followed.Reading is { IsCompleted: false });
        foreach (var source in sources.Readable.Take(room))
            Open(source, stop);
        if (sources.Readable.Length > room && _told.Add(NoRoom))
            await TellAsync(NoRoom, stop);
        _hasBegun = true;

        foreach (var (ended, followed) in _followed)
            await SettleAsync(state, ended, followed, stop);
        Forget(state, sources.Notices);

        var isReading = _followed.Values.Any(followed => !followed.IsSettled);
        var mayComeMore = service is { } whole
            ? state.Services.ContainsKey(whole)
            : state.Tasks.TryGetValue(only!.Value, out var last) && !last.State.IsTerminal();
        if (isReading || mayComeMore)
            return false;
        if (service is not null)
            await TellAsync("the service is removed: no more logs will come", stop);
        return true;
    }

    // A service that restarts its tasks for days must not fill the manager. What still holds is not told again.
    private void Forget(ClusterState state, IEnumerable<string> notices)
    {
        foreach (var (gone, followed) in _followed)
        {
            if (followed.IsSettled && !state.Tasks.ContainsKey(gone))
                _followed.Remove(gone);
        }
        if (_told.Count > NoticesRemembered)
            _told.IntersectWith(notices);
    }

    private bool IsNotRead(ServiceTask task) =>
        !_followed.TryGetValue(task.Id, out var followed)
        || (followed is { IsSettled: false, Reading.IsCompleted: true } && !task.State.IsTerminal() && time.GetUtcNow() >= followed.TryAgain);

    private void Open(LogSource source, CancellationToken stop)
    {
        var isLive = !source.Task.State.IsTerminal();
        if (!_followed.TryGetValue(source.Task.Id, out var followed))
            _followed[source.Task.Id] = followed = new Followed { Name = source.Name, WasLive = isLive, CameLater = _hasBegun };

        // A task that came while following is shown from its first line; one that broke off, from where it broke off.
        var from = followed.LastLine is { } last ? last.AddTicks(1) : followed.CameLater ? null : since;
        var lines = followed.LastLine is not null || followed.CameLater ? -1 : tail;
        var request = LogCalls.Request(source.Task.Id, isLive, lines, from);
        followed.TryAgain = time.GetUtcNow() + Pace;
        followed.Reading = ReadAsync(source, request, followed, stop);
    }

    private async Task ReadAsync(LogSource source, V1.RelayLogs request, Followed followed, CancellationToken stop)
    {
        var ending = await pump.RunAsync(source, request, _items.Writer, followed.IsBroken, stop);
        followed.LastLine = ending.LastLine ?? followed.LastLine;
        followed.IsBroken = !ending.IsWhole;
        followed.TryAgain = time.GetUtcNow() + Pace;
    }

    // A log that ended is settled once the task has: the agent's report may arrive after the last line.
    private async Task SettleAsync(ClusterState state, TaskId id, Followed followed, CancellationToken stop)
    {
        if (followed.IsSettled || followed.Reading is not { IsCompleted: true })
            return;
        state.Tasks.TryGetValue(id, out var task);
        if (task is not null && !task.State.IsTerminal())
            return;
        followed.IsSettled = true;
        if (followed.WasLive)
            await TellAsync(task is null ? $"{followed.Name} is gone" : $"{followed.Name} ended: {LogSources.Ending(task)}", stop);
    }

    private ValueTask TellAsync(string notice, CancellationToken stop) =>
        _items.Writer.WriteAsync(new V1.LogItem { Notice = notice }, stop);

    private sealed class Followed
    {
        public required string Name { get; init; }
        public required bool WasLive { get; init; }
        public required bool CameLater { get; init; }
        public Task? Reading { get; set; }
        public DateTimeOffset? LastLine { get; set; }
        public DateTimeOffset TryAgain { get; set; }
        public bool IsBroken { get; set; }
        public bool IsSettled { get; set; }
    }
}
