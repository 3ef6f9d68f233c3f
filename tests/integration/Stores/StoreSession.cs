using System.Collections.Immutable;
using Akka.Actor;
using Akka.Hosting;
using Akka.Persistence;
using Berth.Manager.Keys;
using Berth.Manager.Store;
using Berth.Model;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using V1 = Berth.Protocol.V1;

namespace Berth.Tests.Integration.Stores;

/// <summary>One manager's share of a store: an actor system with the store's plugins, and one actor that writes the cluster's log.</summary>
internal sealed class StoreSession : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private readonly IHost _host;
    private readonly IActorRef _log;

    private StoreSession(IHost host, IStoreBackend backend, LeaderTerm term)
    {
        (_host, Backend, Term) = (host, backend, term);
        var plugins = (backend.JournalPluginId, backend.SnapshotPluginId);
        _log = host.Services.GetRequiredService<ActorSystem>().ActorOf(Props.Create(() => new Log(plugins.JournalPluginId, plugins.SnapshotPluginId)));
    }

    public IStoreBackend Backend { get; }

    public LeaderTerm Term { get; }

    /// <summary>Opens the store as one more manager; it does not lead yet.</summary>
    public static async Task<StoreSession> OpenAsync(IStorePlace place, RowKeys keys)
    {
        var term = new LeaderTerm();
        var backend = place.Open(term);
        await backend.PrepareAsync(default);
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddAkka("store-session", akka => akka
            .AddHocon("akka { loglevel = OFF, stdout-loglevel = OFF }", HoconAddMode.Prepend)
            .AddStoreBackend(backend, new StoreOptions { Directory = "unused", Keys = keys }, TimeProvider.System));
        var host = builder.Build();
        await host.StartAsync();
        return new StoreSession(host, backend, term);
    }

    /// <summary>Takes the lead from whoever has it.</summary>
    public async Task<LeaderRecord> TakeAsync()
    {
        for (; ; )
        {
            var taken = await Backend.Leader.TryTakeAsync(await Backend.Leader.ReadAsync(default), new NodeId(7), "https://127.0.0.1:1", default);
            if (taken is null)
                continue;
            Term.Begin(taken.Epoch);
            return taken;
        }
    }

    /// <summary>Appends a batch of <paramref name="count"/> commits; throws what the journal said.</summary>
    public Task<long> AppendAsync(int count, string who = "") => AskAsync(new Append(count, who));

    /// <summary>Writes a snapshot at the newest commit.</summary>
    public Task<long> SnapshotAsync() => AskAsync(new Snapshot());

    /// <summary>Deletes commits up to a number.</summary>
    public Task<long> TruncateAsync(long upTo) => AskAsync(new Truncate(upTo));

    /// <summary>What the log's recovery gave this session: the snapshot's number, and the rows after it.</summary>
    public Task<Recovered> RecoveredAsync() => _log.Ask<Recovered>(new Read(), Deadline);

    private async Task<long> AskAsync(object request) => await _log.Ask<object>(request, Deadline) switch
    {
        long number => number,
        Exception error => throw error,
        var other => throw new InvalidOperationException($"{other}"),
    };

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
        await Backend.DisposeAsync();
    }

    /// <param name="SnapshotAt">0 without one.</param>
    /// <param name="Rows">Number and text of each row.</param>
    public sealed record Recovered(long SnapshotAt, ImmutableArray<(long Number, string Text)> Rows);

    private sealed record Append(int Count, string Who);

    private sealed record Snapshot;

    private sealed record Truncate(long UpTo);

    private sealed record Read;

    private sealed class Log : ReceivePersistentActor
    {
        private readonly ImmutableArray<(long, string)>.Builder _rows = ImmutableArray.CreateBuilder<(long, string)>();
        private long _snapshotAt;
        private IActorRef _asker = ActorRefs.Nobody;

        public Log(string journal, string snapshots)
        {
            (JournalPluginId, SnapshotPluginId) = (journal, snapshots);
            Recover<SnapshotOffer>(offer => _snapshotAt = ((V1.SnapshotHeader)offer.Snapshot).Index);
            Recover<Commit>(commit => _rows.Add((commit.Index, ((Change.StackRemoved)commit.Changes[0]).Name)));
            Command<Read>(_ => Sender.Tell(new Recovered(_snapshotAt, _rows.ToImmutable())));
            Command<Append>(OnAppend);
            Command<Snapshot>(_ =>
            {
                _asker = Sender;
                SaveSnapshot(new V1.SnapshotHeader { Index = LastSequenceNr, FirstChunk = 1 });
            });
            Command<SaveSnapshotSuccess>(saved => _asker.Tell(saved.Metadata.SequenceNr));
            Command<SaveSnapshotFailure>(failed => _asker.Tell(failed.Cause));
            Command<Truncate>(truncate =>
            {
                _asker = Sender;
                DeleteMessages(truncate.UpTo);
            });
            Command<DeleteMessagesSuccess>(deleted => _asker.Tell(deleted.ToSequenceNr));
            Command<DeleteMessagesFailure>(failed => _asker.Tell(failed.Cause));
        }

        public override string PersistenceId => StoreActor.JournalId;

        protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr) => _asker.Tell(cause);

        protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr) => _asker.Tell(cause);

        private void OnAppend(Append append)
        {
            _asker = Sender;
            var (asker, left, first) = (Sender, append.Count, LastSequenceNr + 1);
            var commits = Enumerable.Range(0, append.Count)
                .Select(offset => new Commit(first + offset, DateTimeOffset.UnixEpoch, [new Change.StackRemoved($"{append.Who}{first + offset}")])).ToList();
            PersistAll(commits, _ =>
            {
                if (--left == 0)
                    asker.Tell(LastSequenceNr);
            });
        }
    }
}
