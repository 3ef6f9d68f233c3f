using Berth.Manager.Keys;
using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Tests.Integration.Stores;

/// <summary>What every store promises; each one is a subclass that says how it is opened.</summary>
public abstract class StoreContract
{
    private readonly RowKeys _keys = new(KeyRing.Create(DateTimeOffset.UnixEpoch), "keys.json");

    /// <summary>A new, empty store; skips the test when its server is not installed.</summary>
    protected abstract Task<IStorePlace> NewPlaceAsync();

    /// <summary>Whether several processes may lead in turn, so that a renewal is seen by others.</summary>
    protected virtual bool IsShared => true;

    /// <summary>Whether a write waits for a server that is away, instead of failing.</summary>
    protected virtual bool WaitsForItsServer => false;

    [SkippableFact]
    public async Task Batches_of_any_size_are_read_again_in_order()
    {
        await using var place = await NewPlaceAsync();
        int[] sizes = [1, 2, 10, 100, 101, 1000, 1];
        await using (var writer = await LeadAsync(place))
        {
            foreach (var size in sizes)
                await writer.AppendAsync(size);
            Assert.Equal(sizes.Sum(), await writer.Backend.HeadAsync(default));
        }
        await RowsAreAsync(place, 1, sizes.Sum());
    }

    [SkippableFact]
    public async Task A_process_that_does_not_lead_writes_nothing()
    {
        await using var place = await NewPlaceAsync();
        await using (var never = await OpenAsync(place))
            await RefusedAsync(() => never.AppendAsync(3));
        await RowsAreAsync(place, 1, 0);
    }

    [SkippableFact]
    public async Task A_write_that_does_not_begin_at_the_head_is_refused_whole()
    {
        await using var place = await NewPlaceAsync();
        await using var first = await LeadAsync(place);
        await first.AppendAsync(5);
        await using (var second = await OpenAsync(place))
        {
            // The same term twice: what a manager that was copied, or restored from a backup, would do.
            second.Term.Begin(first.Term.Epoch);
            await second.RecoveredAsync();
            await first.AppendAsync(5);
            await RefusedAsync(() => second.AppendAsync(1000, "wrong"));
        }
        await first.AppendAsync(1);
        await RowsAreAsync(place, 1, 11);
    }

    [SkippableFact]
    public async Task A_leader_that_was_replaced_acknowledges_nothing_and_nothing_of_it_is_kept()
    {
        await using var place = await NewPlaceAsync();
        await using var old = await LeadAsync(place);
        await old.AppendAsync(10);
        await using var next = await LeadAsync(place);
        await next.RecoveredAsync();
        await next.AppendAsync(500);

        await RefusedAsync(() => old.AppendAsync(1000, "stale"));
        Assert.False(await old.Backend.Leader.RenewAsync(old.Term.Epoch, default));
        await next.AppendAsync(1);
        await RowsAreAsync(place, 1, 511);
    }

    [SkippableFact]
    public async Task A_leader_that_was_replaced_is_refused_also_where_its_rows_were_truncated()
    {
        await using var place = await NewPlaceAsync();
        await using var old = await LeadAsync(place);
        await old.AppendAsync(12);
        await using var next = await LeadAsync(place);
        await next.RecoveredAsync();
        await next.AppendAsync(1500);
        await next.SnapshotAsync();
        await next.TruncateAsync(1512);

        await RefusedAsync(() => old.AppendAsync(1000, "stale"));
        await next.AppendAsync(2);
        await RowsAreAsync(place, 1513, 2, snapshotAt: 1512);
    }

    [SkippableFact]
    public async Task A_leader_that_was_replaced_keeps_no_snapshot_and_deletes_nothing()
    {
        await using var place = await NewPlaceAsync();
        await using var old = await LeadAsync(place);
        await old.AppendAsync(20);
        await using var next = await LeadAsync(place);
        await next.RecoveredAsync();
        await next.AppendAsync(5);

        await RefusedAsync(old.SnapshotAsync);
        await RefusedAsync(() => old.TruncateAsync(20));
        await RowsAreAsync(place, 1, 25);
    }

    [SkippableFact]
    public async Task A_snapshot_and_the_rows_after_it_are_read_again()
    {
        await using var place = await NewPlaceAsync();
        await using (var writer = await LeadAsync(place))
        {
            await writer.AppendAsync(30);
            await writer.SnapshotAsync();
            await writer.TruncateAsync(30);
            await writer.AppendAsync(3);
        }
        await RowsAreAsync(place, 31, 3, snapshotAt: 30);
        await using var again = await LeadAsync(place);
        await again.RecoveredAsync();
        Assert.Equal(34, await again.AppendAsync(1));
    }

    [SkippableFact]
    public async Task A_log_of_which_every_row_was_truncated_goes_on_at_its_head()
    {
        await using var place = await NewPlaceAsync();
        await using (var writer = await LeadAsync(place))
        {
            await writer.AppendAsync(7);
            await writer.SnapshotAsync();
            await writer.TruncateAsync(7);
        }
        await using var again = await LeadAsync(place);
        await again.RecoveredAsync();
        Assert.Equal(8, await again.AppendAsync(1));
        Assert.Equal(8, await again.Backend.HeadAsync(default));
    }

    [SkippableFact]
    public async Task Of_eight_that_take_the_lead_at_once_one_gets_it()
    {
        await using var place = await NewPlaceAsync();
        var backends = new List<IStoreBackend>();
        try
        {
            for (var number = 0; number < 8; number++)
                backends.Add(place.Open(new LeaderTerm()));
            await backends[0].PrepareAsync(default);
            for (var round = 1; round <= 5; round++)
            {
                var seen = await backends[0].Leader.ReadAsync(default);
                var taken = await Task.WhenAll(backends.Select((backend, number) =>
                    Task.Run(() => backend.Leader.TryTakeAsync(seen, new NodeId((UInt128)number + 1), $"https://manager:{number}", default))));
                var won = Assert.Single(taken.OfType<LeaderRecord>());
                Assert.Equal(round, won.Epoch);
                Assert.Equal(won, await backends[7].Leader.ReadAsync(default));
            }
        }
        finally
        {
            foreach (var backend in backends)
                await backend.DisposeAsync();
        }
    }

    [SkippableFact]
    public async Task The_record_is_renewed_watched_let_go_and_taken_over()
    {
        await using var place = await NewPlaceAsync();
        await using var one = place.Open(new LeaderTerm());
        await using var two = place.Open(new LeaderTerm());
        await one.PrepareAsync(default);
        var (mine, theirs) = (one.Leader, two.Leader);
        Assert.Equal(LeaderRecord.None, await theirs.ReadAsync(default));
        var taken = await mine.TryTakeAsync(LeaderRecord.None, new NodeId(1), "https://one:1", default);
        Assert.Equal(new LeaderRecord(1, new NodeId(1), "https://one:1", 0), taken);
        Assert.Equal(taken, await theirs.ChangeAsync(taken!, TimeSpan.FromMilliseconds(50), default));

        if (IsShared)
        {
            var waiting = theirs.ChangeAsync(taken!, TimeSpan.FromSeconds(60), default);
            Assert.True(await mine.RenewAsync(1, default));
            Assert.Equal(taken! with { Renewals = 1 }, await waiting);
            Assert.Null(await theirs.TryTakeAsync(taken, new NodeId(2), "https://two:1", default));
        }
        Assert.True(await mine.RenewAsync(1, default));
        var newest = await theirs.ReadAsync(default);
        var watching = theirs.ChangeAsync(newest, TimeSpan.FromSeconds(60), default);
        await mine.ReleaseAsync(1, default);
        var free = await watching;
        Assert.Equal((1L, (NodeId?)null), (free.Epoch, free.Holder));
        Assert.False(await mine.RenewAsync(1, default));

        var next = await theirs.TryTakeAsync(free, new NodeId(2), "https://two:1", default);
        Assert.Equal(2, next?.Epoch);
        // Too late: the term it names is over.
        await mine.ReleaseAsync(1, default);
        Assert.Equal(next, await mine.ReadAsync(default));
    }

    [SkippableFact]
    public async Task What_was_acknowledged_outlives_the_loss_of_the_server()
    {
        Skip.IfNot(IsShared, "the files have no server: that a killed manager loses nothing is shown by its own tests");
        await using var place = await NewPlaceAsync();
        var acknowledged = 0L;
        await using (var writer = await LeadAsync(place))
        {
            var writing = Task.Run(async () =>
            {
                for (; ; )
                    Volatile.Write(ref acknowledged, await writer.AppendAsync(7));
            });
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            while (Volatile.Read(ref acknowledged) < 140)
            {
                Assert.False(writing.IsFaulted, $"{writing.Exception}");
                await Task.Delay(5, deadline.Token);
            }
            await place.KillAsync();
            if (!WaitsForItsServer)
                await Assert.ThrowsAnyAsync<Exception>(() => writing.WaitAsync(TimeSpan.FromSeconds(60)));
            await place.StartAsync();
        }
        await using var again = await OpenAsync(place);
        var rows = (await again.RecoveredAsync()).Rows;
        Assert.True(rows.Length >= acknowledged, $"{acknowledged} were acknowledged, {rows.Length} are there");
        Assert.Equal(0, rows.Length % 7);
        Assert.Equal(Enumerable.Range(1, rows.Length).Select(number => (long)number), rows.Select(row => row.Number));
    }

    [SkippableFact]
    public async Task A_server_that_is_away_is_named_and_acknowledges_nothing()
    {
        Skip.If(!IsShared || WaitsForItsServer, "there is no server, or a write waits for it");
        await using var place = await NewPlaceAsync();
        await using var writer = await LeadAsync(place);
        await writer.AppendAsync(1);
        await place.KillAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => writer.AppendAsync(1));
        var said = await Assert.ThrowsAnyAsync<IOException>(() => writer.Backend.Leader.ReadAsync(default));
        Assert.Contains(writer.Backend.Place, said.Message, StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<IOException>(() => writer.Backend.Leader.RenewAsync(1, default));
        await place.StartAsync();
        await RowsAreAsync(place, 1, 1);
    }

    /// <summary>One more manager, which does not lead.</summary>
    private protected Task<StoreSession> OpenAsync(IStorePlace place) => StoreSession.OpenAsync(place, _keys);

    /// <summary>One more manager, which takes the lead.</summary>
    private protected async Task<StoreSession> LeadAsync(IStorePlace place)
    {
        var session = await OpenAsync(place);
        await session.TakeAsync();
        return session;
    }

    /// <summary>A fresh recovery gives exactly these rows, none of which a stale leader wrote.</summary>
    private protected async Task RowsAreAsync(IStorePlace place, long first, int count, long snapshotAt = 0)
    {
        await using var fresh = await OpenAsync(place);
        var recovered = await fresh.RecoveredAsync();
        Assert.Equal(snapshotAt, recovered.SnapshotAt);
        Assert.Equal(Enumerable.Range(0, count).Select(offset => (first + offset, $"{first + offset}")), recovered.Rows);
    }

    private static async Task RefusedAsync(Func<Task> write)
    {
        var error = await Assert.ThrowsAnyAsync<Exception>(write);
        Assert.True(FencedException.IsIn(error), $"{error}");
    }
}
