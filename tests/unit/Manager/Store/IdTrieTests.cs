using Berth.Manager.Store;
using CsCheck;

namespace Berth.Tests.Manager.Store;

/// <summary>The trie against a dictionary that does the same.</summary>
public sealed class IdTrieTests
{
    // Ids that share many bits below, in the middle or above make deep and crowded tries; real ones are random.
    private static readonly Gen<UInt128> Ids = Gen.Frequency(
        (2, Gen.Int[0, 40].Select(low => (UInt128)low)),
        (2, Gen.Int[0, 40].Select(high => (UInt128)high << 59)),
        (2, Gen.Int[0, 40].Select(high => ((UInt128)high << 122) | 5)),
        (1, Gen.Select(Gen.ULong, Gen.ULong, (high, low) => new UInt128(high, low))));

    private static readonly Gen<List<(int Kind, UInt128 Id)>> Histories = Gen.Select(Gen.Int[0, 9], Ids).List[0, 300];

    [Fact]
    public void It_holds_what_a_dictionary_holds_and_earlier_values_stay_as_they_were() => Histories.Sample(history =>
    {
        var builder = IdTrie<Item>.Empty.ToBuilder();
        var model = new Dictionary<UInt128, int>();
        var kept = new List<(IdTrie<Item> Trie, Dictionary<UInt128, int> Model)>();
        for (var step = 0; step < history.Count; step++)
        {
            var (kind, id) = history[step];
            if (kind == 9)
                kept.Add((builder.ToImmutable(), new(model)));
            else if (kind >= 6)
                Assert.Equal(model.Remove(id), builder.Remove(id));
            else
            {
                Assert.Equal(!model.ContainsKey(id), builder.Put(new Item(id, step)));
                model[id] = step;
            }
            Assert.Equal(model.Count, builder.Count);
            Assert.Equal(model.TryGetValue(id, out var expected), builder.TryGet(id, out var found));
            Assert.Equal(expected, found.Value);
        }
        kept.Add((builder.ToImmutable(), model));
        Assert.All(kept, pair => AssertSame(pair.Model, pair.Trie));
    });

    [Fact]
    public void Builders_of_one_value_do_not_see_each_other() => Gen.Select(Histories, Histories, Histories).Sample((first, left, right) =>
    {
        var trie = Play(IdTrie<Item>.Empty, first, 0);
        var (one, other) = (trie.ToBuilder(), trie.ToBuilder());
        for (var step = 0; step < Math.Max(left.Count, right.Count); step++)
        {
            Apply(one, left, step, 1000);
            Apply(other, right, step, 2000);
        }
        AssertSame(Model(Model([], first, 0), left, 1000), one.ToImmutable());
        AssertSame(Model(Model([], first, 0), right, 2000), other.ToImmutable());
        AssertSame(Model([], first, 0), trie);
    });

    [Fact]
    public void The_order_depends_on_the_ids_alone() => Gen.Select(Ids.List[0, 60], Gen.Int[0, 1000]).Sample((ids, seed) =>
    {
        var different = ids.Distinct().ToList();
        var shuffled = different.ToArray();
        new Random(seed).Shuffle(shuffled);
        // The detour over more items leaves no trace in the shape.
        var detour = Play(IdTrie<Item>.Empty, [.. shuffled.Concat(shuffled.Select(id => id ^ ((UInt128)1 << 70))).Select(id => (0, id))], 0).ToBuilder();
        foreach (var id in shuffled.Select(id => id ^ ((UInt128)1 << 70)).Where(id => !different.Contains(id)))
            detour.Remove(id);
        Assert.Equal(
            Play(IdTrie<Item>.Empty, [.. different.Select(id => (0, id))], 0).Select(item => item.Id), detour.ToImmutable().Select(item => item.Id));
    });

    [Fact]
    public void Nothing_changed_is_the_same_value()
    {
        var trie = Play(IdTrie<Item>.Empty, [(0, 1), (0, 2)], 0);
        var builder = trie.ToBuilder();
        Assert.False(builder.Remove(3));
        Assert.Same(trie, builder.ToImmutable());
    }

    private static IdTrie<Item> Play(IdTrie<Item> trie, List<(int Kind, UInt128 Id)> history, int from)
    {
        var builder = trie.ToBuilder();
        for (var step = 0; step < history.Count; step++)
            Apply(builder, history, step, from);
        return builder.ToImmutable();
    }

    private static void Apply(IdTrie<Item>.Builder builder, List<(int Kind, UInt128 Id)> history, int step, int from)
    {
        if (step >= history.Count)
            return;
        var (kind, id) = history[step];
        if (kind >= 6)
            builder.Remove(id);
        else
            builder.Put(new Item(id, from + step));
    }

    private static Dictionary<UInt128, int> Model(Dictionary<UInt128, int> before, List<(int Kind, UInt128 Id)> history, int from)
    {
        var model = new Dictionary<UInt128, int>(before);
        for (var step = 0; step < history.Count; step++)
        {
            if (history[step].Kind >= 6)
                model.Remove(history[step].Id);
            else
                model[history[step].Id] = from + step;
        }
        return model;
    }

    private static void AssertSame(Dictionary<UInt128, int> expected, IdTrie<Item> actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        Assert.Equal(expected, actual.ToDictionary(item => item.Id, item => item.Value));
        Assert.All(expected, pair => Assert.True(actual.TryGet(pair.Key, out var item) && item.Value == pair.Value));
    }

    private readonly record struct Item(UInt128 Id, int Value) : IIdentified;
}
