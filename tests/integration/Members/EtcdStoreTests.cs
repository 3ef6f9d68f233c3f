using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Berth.Manager.Journals.Etcd;
using Berth.Manager.Store;
using Berth.Model;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Tests.Integration.Members;

/// <summary>The store on real members of etcd, over TLS, while they come and go.</summary>
public sealed class EtcdStoreTests
{
    private const string Log = "test";

    private static readonly NodeId Me = new(1), Other = new(2);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Nothing_acknowledged_is_lost_and_nothing_is_written_twice_while_members_are_killed()
    {
        await using var etcd = new EtcdHosts(3).Start();
        await using var store = await OpenAsync(etcd);
        await TakeAsync(store);
        using var stop = new CancellationTokenSource();
        var acknowledged = 0L;
        var appending = Task.Run(async () =>
        {
            for (var next = 1L; !stop.IsCancellationRequested; next += 3)
            {
                await store.Log.AppendAsync(Log, Batch(next, 3), CancellationToken.None);
                Volatile.Write(ref acknowledged, next + 2);
            }
        }, CancellationToken.None);

        for (var round = 0; round < 4; round++)
        {
            await AdvancesAsync(() => Volatile.Read(ref acknowledged), 30, appending, etcd);
            var victim = round % 2 == 0 ? await LeaderAsync(store, etcd) : etcd.Hosts[round % 3];
            await victim.KillAsync();
            await AdvancesAsync(() => Volatile.Read(ref acknowledged), 30, appending, etcd);
            victim.Start();
        }
        await stop.CancelAsync();
        await appending;

        var rows = await ReadAsync(store, 1, long.MaxValue);
        Assert.Equal(Enumerable.Range(1, (int)acknowledged).Select(number => (long)number), rows.Select(row => row.Number));
        Assert.All(rows, row => Assert.Equal(Text(row.Number), row.Row.Payload.ToStringUtf8()));
    }

    [Fact]
    public async Task An_append_waits_while_the_majority_is_away_and_is_there_once_it_is_back()
    {
        await using var etcd = new EtcdHosts(3).Start();
        await using var store = await OpenAsync(etcd);
        await TakeAsync(store);
        await store.Log.AppendAsync(Log, Batch(1, 2), default);
        await etcd.Hosts[1].SignalAsync("STOP");
        await etcd.Hosts[2].SignalAsync("STOP");

        var waiting = store.Log.AppendAsync(Log, Batch(3, 2), default);
        await Task.Delay(TimeSpan.FromSeconds(6));
        Assert.False(waiting.IsCompleted);
        await etcd.Hosts[1].SignalAsync("CONT");
        await etcd.Hosts[2].SignalAsync("CONT");
        await waiting.WaitAsync(Deadline);

        Assert.Equal(4, await store.Log.HeadAsync(Log, default));
        Assert.Equal([1L, 2, 3, 4], (await ReadAsync(store, 1, long.MaxValue)).Select(row => row.Number));
    }

    [Fact]
    public async Task A_leader_that_was_replaced_writes_nothing_in_any_way()
    {
        await using var etcd = new EtcdHosts(1).Start();
        await using var old = await OpenAsync(etcd);
        await using var next = await OpenAsync(etcd);
        await TakeAsync(old);
        await old.Log.AppendAsync(Log, Batch(1, 5), default);
        await TakeAsync(next, Other);
        await next.Log.AppendAsync(Log, Batch(6, 5), default);
        await next.Log.TruncateAsync(Log, 8, default);

        await Assert.ThrowsAsync<FencedException>(() => old.Log.AppendAsync(Log, Batch(6, 1), default));
        await Assert.ThrowsAsync<FencedException>(() => old.Log.AppendAsync(Log, Batch(11, 1), default));
        await Assert.ThrowsAsync<FencedException>(() => old.Log.TruncateAsync(Log, 10, default));
        await Assert.ThrowsAsync<FencedException>(() => old.Log.ChangeAsync([EtcdTransaction.Put(EtcdKeys.Snapshot(Log, 9), ByteString.Empty)], "a snapshot", default));
        Assert.False(await old.Backend.Leader.RenewAsync(1, default));
        Assert.Equal([9L, 10], (await ReadAsync(next, 1, long.MaxValue)).Select(row => row.Number));
        Assert.Equal(10, await old.Backend.Leader.ReadAsync(default) is { Epoch: 2 } ? await old.Log.HeadAsync(Log, default) : 0);
    }

    [Fact]
    public async Task A_leader_appends_only_behind_the_head()
    {
        await using var etcd = new EtcdHosts(1).Start();
        await using var store = await OpenAsync(etcd);
        await Assert.ThrowsAsync<FencedException>(() => store.Log.AppendAsync(Log, Batch(1, 1), default));
        await TakeAsync(store);
        await store.Log.AppendAsync(Log, Batch(1, 3), default);

        await Assert.ThrowsAsync<FencedException>(() => store.Log.AppendAsync(Log, Batch(3, 1, writer: "another"), default));
        await Assert.ThrowsAsync<FencedException>(() => store.Log.AppendAsync(Log, Batch(5, 1), default));
        // The same rows by the same writer are what a repeated attempt sends: they are there, so it succeeded.
        await store.Log.AppendAsync(Log, Batch(1, 3), default);
        Assert.Equal(3, await store.Log.HeadAsync(Log, default));
    }

    [Fact]
    public async Task The_record_is_taken_once_watched_renewed_and_let_go()
    {
        await using var etcd = new EtcdHosts(3).Start();
        await using var first = await OpenAsync(etcd, 0);
        await using var second = await OpenAsync(etcd, 1);
        var (one, two) = (first.Backend.Leader, second.Backend.Leader);
        Assert.Equal(LeaderRecord.None, await two.ReadAsync(default));

        var taken = await Task.WhenAll(one.TryTakeAsync(LeaderRecord.None, Me, "https://a:1", default), two.TryTakeAsync(LeaderRecord.None, Other, "https://b:1", default));
        var won = Assert.Single(taken.OfType<LeaderRecord>());
        var (mine, theirs) = taken[0] is not null ? (one, two) : (two, one);
        Assert.Equal(won, await theirs.ReadAsync(default));
        Assert.Equal(won, await theirs.ChangeAsync(won, TimeSpan.FromMilliseconds(50), default));

        var waiting = theirs.ChangeAsync(won, Deadline, default);
        Assert.True(await mine.RenewAsync(won.Epoch, default));
        var renewed = await waiting.WaitAsync(Deadline);
        Assert.Equal(won with { Renewals = 1 }, renewed);
        Assert.Null(await theirs.TryTakeAsync(won, Other, "https://b:1", default));

        await mine.ReleaseAsync(won.Epoch, default);
        var released = await theirs.ChangeAsync(renewed, Deadline, default);
        Assert.Equal((won.Epoch, (NodeId?)null), (released.Epoch, released.Holder));
        Assert.False(await mine.RenewAsync(won.Epoch, default));
        var next = await theirs.TryTakeAsync(released, Other, "https://b:1", default);
        Assert.Equal(won.Epoch + 1, next?.Epoch);
        await mine.ReleaseAsync(won.Epoch, default);
        Assert.Equal(next, await mine.ReadAsync(default));
    }

    [Fact]
    public async Task The_record_is_renewed_and_followed_while_members_are_killed()
    {
        await using var etcd = new EtcdHosts(3).Start();
        await using var leading = await OpenAsync(etcd, 0);
        await using var following = await OpenAsync(etcd, 1);
        var record = await TakeAsync(leading);

        foreach (var victim in new[] { etcd.Hosts[1], await LeaderAsync(leading, etcd) }.Distinct())
        {
            await victim.KillAsync();
            for (var renewal = 0; renewal < 5; renewal++)
            {
                var waiting = following.Backend.Leader.ChangeAsync(record, Deadline, default);
                Assert.True(await leading.Backend.Leader.RenewAsync(record.Epoch, default), etcd.Said);
                var seen = await waiting.WaitAsync(Deadline);
                Assert.Equal(record.Epoch, seen.Epoch);
                Assert.True(seen.Renewals > record.Renewals);
                record = seen;
            }
            victim.Start();
        }
    }

    [Fact]
    public async Task A_full_database_repairs_itself_and_says_so_when_it_cannot()
    {
        await using var etcd = new EtcdHosts(1);
        var host = etcd.Hosts[0];
        host.Configuration = host.Configuration with { QuotaBytes = 16 << 20 };
        etcd.Start();
        await using var store = await OpenAsync(etcd);
        await TakeAsync(store);

        // 40 MB of history in a database of 16 MB: each row is deleted as soon as it is written.
        for (var number = 1; number <= 40; number++)
        {
            await store.Log.ChangeAsync([EtcdTransaction.Put(EtcdKeys.Snapshot(Log, 1), Noise(1 << 20))], "a snapshot", default);
        }
        await store.Log.AppendAsync(Log, Batch(1, 3), default);
        Assert.Equal(3, await store.Log.HeadAsync(Log, default));

        var full = await Assert.ThrowsAsync<EtcdFullException>(async () =>
        {
            for (var number = 2; number <= 40; number++)
                await store.Log.ChangeAsync([EtcdTransaction.Put(EtcdKeys.Snapshot(Log, number), Noise(1 << 20))], "a snapshot", default);
        });
        Assert.Contains("quota", full.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nobody_without_a_certificate_of_its_authority_is_answered()
    {
        await using var etcd = new EtcdHosts(1).Start();
        await using var store = await OpenAsync(etcd);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var stranger = new CertificateRequest("CN=m1", key, HashAlgorithmName.SHA256).CreateSelfSigned(
            TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        var trusted = etcd.Hosts[0].Configuration.Files.Load().Authorities;
        var options = etcd.Options() with
        {
            Identity = () => new EtcdIdentity(X509CertificateLoader.LoadPkcs12(stranger.Export(X509ContentType.Pkcs12), null), trusted),
            Patience = TimeSpan.FromSeconds(2),
        };
        using var client = new EtcdClient(options, TimeProvider.System);

        await Assert.ThrowsAsync<EtcdUnavailableException>(() => client.RangeAsync(new() { Key = EtcdKeys.Format }, default));
    }

    [Fact]
    public async Task Limits_that_are_too_small_are_found_at_the_start()
    {
        await using var etcd = new EtcdHosts(1).Start();
        await using var store = new Store(etcd.Options() with { TransactionRows = 5000 });
        var refused = await Assert.ThrowsAsync<InvalidDataException>(() => store.Backend.PrepareAsync(default));
        Assert.Contains("5002 operations", refused.Message, StringComparison.Ordinal);
    }

    private static async Task<Store> OpenAsync(EtcdHosts etcd, int first = 0)
    {
        var store = new Store(etcd.Options(first));
        try
        {
            await store.Backend.PrepareAsync(default);
            return store;
        }
        catch (Exception error)
        {
            throw new InvalidOperationException(etcd.Said, error);
        }
    }

    private static async Task<LeaderRecord> TakeAsync(Store store, NodeId? who = null)
    {
        var record = await store.Backend.Leader.ReadAsync(default);
        var taken = await store.Backend.Leader.TryTakeAsync(record, who ?? Me, "https://127.0.0.1:1", default);
        store.Term.Begin(taken!.Epoch);
        return taken;
    }

    private static async Task<EtcdHost> LeaderAsync(Store store, EtcdHosts etcd)
    {
        var status = await store.Client.CallAsync((member, call) => member.Maintenance.StatusAsync(new(), call), 0, Deadline, default);
        var members = await store.Client.CallAsync((member, call) => member.Cluster.MemberListAsync(new(), call), 0, Deadline, default);
        var leader = members.Members.Single(member => member.ID == status.Leader).Name;
        return etcd.Hosts.Single(host => host.Configuration.Name == leader);
    }

    private static async Task AdvancesAsync(Func<long> value, long by, Task working, EtcdHosts etcd)
    {
        var from = value();
        using var deadline = new CancellationTokenSource(Deadline);
        while (value() < from + by)
        {
            Assert.False(working.IsFaulted, $"{working.Exception}");
            Assert.False(deadline.IsCancellationRequested, $"stands at {value()}\n{etcd.Said}");
            await Task.Delay(20, CancellationToken.None);
        }
    }

    private static async Task<List<(long Number, EtcdRow Row)>> ReadAsync(Store store, long from, long to)
    {
        var rows = new List<(long, EtcdRow)>();
        await foreach (var row in store.Log.ReadAsync(Log, from, to, long.MaxValue, default))
            rows.Add(row);
        return rows;
    }

    private static EtcdBatch Batch(long first, int count, string writer = "me") => new(
        [.. Enumerable.Range(0, count).Select(offset => new EtcdCommit(first + offset, [Row(first + offset, writer)]))]);

    private static ByteString Row(long number, string writer) =>
        new EtcdRow { Payload = ByteString.CopyFromUtf8(Text(number)), Writer = writer }.ToByteString();

    private static string Text(long number) => $"commit {number}";

    private static ByteString Noise(int bytes) => ByteString.CopyFrom(RandomNumberGenerator.GetBytes(bytes));

    private sealed class Store : IAsyncDisposable
    {
        public Store(EtcdOptions options)
        {
            Backend = new EtcdBackend(options, Term, TimeProvider.System, NullLogger.Instance);
            Client = new EtcdClient(options, TimeProvider.System);
            Log = new EtcdLog(Client, new EtcdUpkeep(Client, options, NullLogger.Instance), Term, NullLogger.Instance);
        }

        public LeaderTerm Term { get; } = new();
        public EtcdBackend Backend { get; }
        public EtcdClient Client { get; }
        public EtcdLog Log { get; }

        public async ValueTask DisposeAsync()
        {
            await Backend.DisposeAsync();
            Client.Dispose();
        }
    }
}
