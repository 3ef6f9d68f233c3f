using Akka.Actor;
using Akka.Hosting;
using Akka.Persistence;
using Berth.Manager.Keys;
using Berth.Manager.Store;
using Berth.Model;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using V1 = Berth.Protocol.V1;

namespace Berth.Bench.Simulation;

/// <summary>A leading manager's use of its store, without the manager: one actor that writes commits to the cluster's log.</summary>
public sealed class StoreWriter : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(5);
    private readonly IHost _host;
    private readonly IStoreBackend _backend;
    private readonly IActorRef _log;

    private StoreWriter(IHost host, IStoreBackend backend)
    {
        (_host, _backend) = (host, backend);
        var (journal, snapshots) = (backend.JournalPluginId, backend.SnapshotPluginId);
        _log = host.Services.GetRequiredService<ActorSystem>().ActorOf(Props.Create(() => new Log(journal, snapshots)).WithDispatcher(StoreSetup.Dispatcher));
    }

    /// <summary>Opens the store, takes the lead and reads the log.</summary>
    /// <param name="open">Opens it for a term.</param>
    /// <param name="keys">What rows are sealed under.</param>
    /// <returns>The writer, and how many rows were read.</returns>
    public static async Task<(StoreWriter Writer, long Read)> OpenAsync(Func<LeaderTerm, IStoreBackend> open, RowKeys keys)
    {
        var term = new LeaderTerm();
        var backend = open(term);
        await backend.PrepareAsync(default);
        LeaderRecord? taken = null;
        while (taken is null)
            taken = await backend.Leader.TryTakeAsync(await backend.Leader.ReadAsync(default), new NodeId(1), "", default);
        term.Begin(taken.Epoch);
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddAkka("bench", akka => akka
            .AddHocon("akka { loglevel = ERROR, stdout-loglevel = OFF }", HoconAddMode.Prepend)
            .AddStoreBackend(backend, new StoreOptions { Directory = "unused", Keys = keys }, TimeProvider.System));
        var host = builder.Build();
        await host.StartAsync();
        var writer = new StoreWriter(host, backend);
        return (writer, await writer._log.Ask<long>(new Read(), Deadline));
    }

    /// <summary>Appends commits in one batch and waits until they are durable.</summary>
    /// <param name="commits">Commits in the batch.</param>
    /// <param name="changes">Assignments in each commit.</param>
    public Task AppendAsync(int commits, int changes) => AskAsync(new Append(commits, changes));

    /// <summary>Writes the header of a snapshot at the newest commit.</summary>
    public Task SnapshotAsync() => AskAsync(new Snapshot());

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
        await _backend.DisposeAsync();
    }

    private async Task AskAsync(object request)
    {
        if (await _log.Ask<object>(request, Deadline) is Exception error)
            throw error;
    }

    private sealed record Append(int Commits, int Changes);

    private sealed record Snapshot;

    private sealed record Read;

    private sealed class Log : ReceivePersistentActor
    {
        private long _read;
        private IActorRef _asker = ActorRefs.Nobody;

        public Log(string journal, string snapshots)
        {
            (JournalPluginId, SnapshotPluginId) = (journal, snapshots);
            Recover<SnapshotOffer>(_ => { });
            Recover<Commit>(_ => _read++);
            Command<Read>(_ => Sender.Tell(_read));
            Command<Append>(OnAppend);
            Command<Snapshot>(_ =>
            {
                _asker = Sender;
                SaveSnapshot(new V1.SnapshotHeader { Index = LastSequenceNr, FirstChunk = 1 });
            });
            Command<SaveSnapshotSuccess>(saved => _asker.Tell(saved));
            Command<SaveSnapshotFailure>(failed => _asker.Tell(failed.Cause));
        }

        public override string PersistenceId => StoreActor.JournalId;

        protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr) => _asker.Tell(cause);

        private void OnAppend(Append append)
        {
            _asker = Sender;
            var (asker, left, first) = (Sender, append.Commits, LastSequenceNr + 1);
            var commits = Enumerable.Range(0, append.Commits).Select(offset => new Commit(
                first + offset, DateTimeOffset.UnixEpoch,
                [.. Enumerable.Range(0, append.Changes).Select(number => new Change.TaskAssigned(
                    new TaskId(((UInt128)(first + offset) << 64) + (UInt128)number * 0x9E3779B97F4A7C15), new NodeId((UInt128)number << 70)))])).ToList();
            PersistAll(commits, _ =>
            {
                if (--left == 0)
                    asker.Tell(LastSequenceNr);
            });
        }
    }
}
