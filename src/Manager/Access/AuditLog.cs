using System.Diagnostics.Metrics;
using System.Threading.Channels;
using Berth.Telemetry;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Berth.Manager.Access;

/// <summary>Writes down who did what, in order, before anybody is answered; many callers share one sync of the disk.</summary>
public sealed class AuditLog : IHostedService, IAsyncDisposable
{
    // Callers wait for their line: there are never many.
    private const int MostWaiting = 10_000;
    private const int MostInOneWrite = 500;
    private const int MostUnread = 1_000;

    private static readonly Counter<double> Refusals = BerthMeter.Counter("berth.access.refusals", "Calls and connections that were refused, also those that the audit log only counts.");

    private readonly AuditFile _file;
    private readonly TimeProvider _time;
    private readonly ILogger<AuditLog> _log;
    private readonly Channel<Waiting> _waiting = Channel.CreateBounded<Waiting>(MostWaiting);
    private readonly Lock _gate = new();
    private readonly List<Channel<AuditRecord>> _followers = [];
    private readonly long _origin;
    private readonly CancellationTokenSource _stopping = new();
    private RefusalBudget _refusals;
    private Task _writing = Task.CompletedTask;
    private Task _settling = Task.CompletedTask;

    /// <summary>A log in <paramref name="file"/>, which it then owns.</summary>
    public AuditLog(AuditFile file, TimeProvider time, ILogger<AuditLog> log)
    {
        (_file, _time, _log) = (file, time, log);
        _origin = time.GetTimestamp();
    }

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _writing = Task.Run(WriteAllAsync, CancellationToken.None);
        _settling = Task.Run(SettleAsync, CancellationToken.None);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Writes a line; done once it is durable.</summary>
    /// <exception cref="IOException">It could not be written.</exception>
    public async Task WriteAsync(AuditRecord record)
    {
        var waiting = new Waiting(record.Shortened(), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        try
        {
            await _waiting.Writer.WriteAsync(waiting);
        }
        catch (ChannelClosedException)
        {
            throw new IOException("the manager is stopping and writes down nothing more");
        }
        await waiting.Written.Task;
    }

    /// <summary>Writes down a refusal, unless there were too many lately: then it is counted.</summary>
    public async Task RefusedAsync(AuditRecord record)
    {
        Refusals.Add(1);
        bool isWritten;
        int owed;
        lock (_gate)
            (_refusals, isWritten, owed) = _refusals.Take(_time.GetElapsedTime(_origin));
        if (owed > 0)
            await WriteAsync(Omitted(record.Manager, owed));
        if (isWritten)
            await WriteAsync(record);
    }

    /// <summary>The newest lines, the newest last.</summary>
    /// <param name="count">How many; 0 is all that are kept.</param>
    public IReadOnlyList<AuditRecord> Newest(int count) => _file.Newest(count > 0 ? count : int.MaxValue);

    /// <summary>Lines written from now on. A reader who is too slow misses some.</summary>
    public Following Follow()
    {
        var channel = Channel.CreateBounded<AuditRecord>(new BoundedChannelOptions(MostUnread) { FullMode = BoundedChannelFullMode.DropOldest });
        lock (_gate)
            _followers.Add(channel);
        return new Following(this, channel);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!_waiting.Writer.TryComplete())
            return;
        await _stopping.CancelAsync();
        await Task.WhenAll(_writing, _settling);
        _file.Dispose();
        _stopping.Dispose();
    }

    private async Task WriteAllAsync()
    {
        var batch = new List<Waiting>();
        while (await _waiting.Reader.WaitToReadAsync())
        {
            batch.Clear();
            while (batch.Count < MostInOneWrite && _waiting.Reader.TryRead(out var next))
                batch.Add(next);
            Write(batch);
        }
    }

    private void Write(List<Waiting> batch)
    {
        try
        {
            _file.Append([.. batch.Select(each => each.Record)]);
        }
        catch (IOException error)
        {
            _log.LogError("{Problem}", error.Message);
            foreach (var each in batch)
                each.Written.SetException(error);
            return;
        }
        // Before the writers go on: who follows from now on gets what is written from now on.
        lock (_gate)
        {
            foreach (var follower in _followers)
            {
                foreach (var each in batch)
                    follower.Writer.TryWrite(each.Record);
            }
        }
        foreach (var (record, written) in batch)
        {
            _log.LogInformation(
                "{Who} from {From}: {Call} {Subject}: {Outcome}", record.Who, record.From, record.Call, record.Subject, record.Outcome);
            written.SetResult();
        }
    }

    // What was only counted is told when its stretch is over, also when nobody is refused any more.
    private async Task SettleAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(RefusalBudget.WindowLength, _time, _stopping.Token);
                int owed;
                lock (_gate)
                    (_refusals, owed) = _refusals.Settle(_time.GetElapsedTime(_origin));
                if (owed > 0)
                    await WriteAsync(Omitted("", owed));
            }
        }
        catch (OperationCanceledException)
        {
            // The manager stops.
        }
        catch (IOException error)
        {
            _log.LogError("{Problem}", error.Message);
        }
    }

    private AuditRecord Omitted(string manager, int count) => new(
        _time.GetUtcNow(), "several", "refused calls", "", $"{count} more were refused and are only counted, since there were so many", "", manager);

    private void Leave(Channel<AuditRecord> channel)
    {
        lock (_gate)
            _followers.Remove(channel);
    }

    private sealed record Waiting(AuditRecord Record, TaskCompletionSource Written);

    /// <summary>A reader of new lines.</summary>
    public sealed class Following : IDisposable
    {
        private readonly AuditLog _log;
        private readonly Channel<AuditRecord> _channel;

        internal Following(AuditLog log, Channel<AuditRecord> channel) => (_log, _channel) = (log, channel);

        /// <summary>The lines.</summary>
        public ChannelReader<AuditRecord> Lines => _channel.Reader;

        /// <inheritdoc/>
        public void Dispose() => _log.Leave(_channel);
    }
}
