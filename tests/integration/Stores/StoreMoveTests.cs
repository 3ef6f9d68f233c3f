using Berth.Manager.Keys;
using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Tests.Integration.Stores;

/// <summary>A cluster's state goes from any store into any other.</summary>
public sealed class StoreMoveTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private readonly RowKeys _keys = new(KeyRing.Create(DateTimeOffset.UnixEpoch), "keys.json");

    public static TheoryData<string, string> Directions { get; } = new()
    {
        { "sqlite", "postgres" },
        { "sqlite", "etcd" },
        { "postgres", "sqlite" },
        { "postgres", "etcd" },
        { "postgres", "postgres" },
        { "etcd", "sqlite" },
        { "etcd", "postgres" },
    };

    [SkippableTheory]
    [MemberData(nameof(Directions))]
    public async Task The_state_goes_on_elsewhere_and_the_earlier_store_says_where(string from, string to)
    {
        await using var source = await PlaceAsync(from);
        await using var target = await PlaceAsync(to);
        ClusterState before;
        await using (var node = await StoreNode.StartAsync(source, _keys))
        {
            await node.CreateAsync("web", 45);
            before = node.State;
            await MoveAsync(node, target, to);
        }

        await using var next = await StoreNode.StartAsync(target, _keys);
        SameState(before, next.State);
        Assert.Equal(before.Index + 1, next.State.Index);
        Assert.True(next.State.Epoch > before.Epoch, $"epoch {next.State.Epoch} after {before.Epoch}");
        await next.CreateAsync("more", 3);

        var moved = await Assert.ThrowsAsync<StoreMovedException>(() => StoreNode.StartAsync(source, _keys));
        Assert.Equal(to, moved.Place);
        var refused = await Assert.ThrowsAsync<InvalidDataException>(() => next.Backend.ContinueAsync(7, 7, default));
        Assert.Contains("already", refused.Message, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    [InlineData("etcd")]
    public async Task What_was_written_is_the_same_after_recovery_also_through_snapshots(string kind)
    {
        await using var place = await PlaceAsync(kind);
        ClusterState before;
        await using (var node = await StoreNode.StartAsync(place, _keys))
        {
            await node.CreateAsync("web", 70);
            before = node.State;
        }
        await using var again = await StoreNode.StartAsync(place, _keys);
        SameState(before, again.State);
        Assert.Equal((before.Index + 1, before.Epoch + 1), (again.State.Index, again.State.Epoch));
    }

    [SkippableTheory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    [InlineData("etcd")]
    public async Task Only_who_leads_can_say_that_the_state_has_moved(string kind)
    {
        await using var place = await PlaceAsync(kind);
        await using var node = await StoreNode.StartAsync(place, _keys);
        await Assert.ThrowsAsync<FencedException>(() => node.Backend.MarkMovedAsync("etcd", node.Epoch - 1, default));
        await node.CreateAsync("web", 1);
        await node.Backend.MarkMovedAsync("nowhere", node.Epoch, default);
        Assert.Contains("refused a commit", await node.FailAsync(), StringComparison.Ordinal);
        await Assert.ThrowsAsync<StoreMovedException>(() => node.Backend.Leader.ReadAsync(default));
    }

    // What a leading manager does, but for its own files.
    private async Task MoveAsync(StoreNode node, IStorePlace target, string kind)
    {
        var term = new LeaderTerm();
        await using var to = (IMovableStore)target.Open(term);
        await to.PrepareAsync(default);
        await to.ContinueAsync(node.State.Index, node.Epoch, default);
        // Whoever is interrupted does it again.
        await to.ContinueAsync(node.State.Index, node.Epoch, default);
        var taken = await to.Leader.TryTakeAsync(await to.Leader.ReadAsync(default), new NodeId(5), "https://127.0.0.1:1", default);
        Assert.Equal(node.Epoch + 1, taken!.Epoch);
        term.Begin(taken.Epoch);
        await using (var writer = await StoreNode.WriterAsync(to, _keys))
            await writer.SaveAsync(node.State);
        await node.Backend.MarkMovedAsync(kind, node.Epoch, default);
    }

    private async Task<IStorePlace> PlaceAsync(string kind) => kind switch
    {
        "sqlite" => new SqlitePlace(),
        "postgres" => await postgres.NewPlaceAsync(),
        _ => EtcdPlace.New(),
    };

    private static void SameState(ClusterState before, ClusterState after)
    {
        Assert.Equal(before.ClusterId, after.ClusterId);
        Assert.Equal(before.Services.OrderBy(pair => pair.Key), after.Services.OrderBy(pair => pair.Key));
        Assert.Equal(before.Tasks.OrderBy(pair => pair.Key), after.Tasks.OrderBy(pair => pair.Key));
    }
}
