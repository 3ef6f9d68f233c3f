using Berth.Manager.Peers;
using Berth.Model;
using CsCheck;

namespace Berth.Tests.Manager.Peers;

public sealed class SpreadTests
{
    private static readonly NodeId[] Ids = [.. Enumerable.Range(1, 5).Select(number => new NodeId((UInt128)number))];

    private static readonly Gen<Load[]> SomeLoads =
        Gen.Int[0, 3_000].Array[2, 5].Select(sessions => sessions.Select((count, at) => new Load(Ids[at], count)).ToArray());

    [Fact]
    public void A_manager_that_came_back_is_given_its_share()
    {
        Load[] loads = [new(Ids[0], 30), new(Ids[1], 30), new(Ids[2], 0)];

        Assert.Equal(new Load(Ids[2], 10), Assert.Single(Spread.Decide(loads, Ids[0], 100)));
        Assert.Equal(new Load(Ids[2], 10), Assert.Single(Spread.Decide(loads, Ids[1], 100)));
        Assert.Empty(Spread.Decide(loads, Ids[2], 100));
    }

    [Fact]
    public void A_little_more_than_the_share_stays_where_it_is() =>
        Assert.Empty(Spread.Decide([new(Ids[0], 105), new(Ids[1], 97)], Ids[0], 100));

    [Fact]
    public void A_manager_that_is_alone_keeps_all() => Assert.Empty(Spread.Decide([new(Ids[0], 500)], Ids[0], 100));

    [Fact]
    public void No_more_than_the_pace_move_at_a_time() =>
        Assert.Equal(7, Spread.Decide([new(Ids[0], 900), new(Ids[1], 0), new(Ids[2], 0)], Ids[0], 7).Sum(move => move.Sessions));

    [Fact]
    public void All_managers_together_never_fill_one_above_its_share() => SomeLoads.Sample(loads =>
    {
        var after = Moved(loads, most: int.MaxValue);
        var share = Share(loads);

        Assert.Equal(loads.Sum(load => load.Sessions), after.Sum(load => load.Sessions));
        for (var at = 0; at < loads.Length; at++)
            Assert.True(after[at].Sessions <= Math.Max(share, loads[at].Sessions));
        Assert.All(after, load => Assert.True(load.Sessions <= share + share / 10));
    });

    [Fact]
    public void Nobody_gives_below_the_share_and_who_receives_does_not_give() => SomeLoads.Sample(loads =>
    {
        var share = Share(loads);
        foreach (var load in loads)
        {
            var moves = Spread.Decide(loads, load.Manager, int.MaxValue);
            Assert.True(moves.IsEmpty || load.Sessions - moves.Sum(move => move.Sessions) >= share);
            Assert.DoesNotContain(moves, move => !Spread.Decide(loads, move.Manager, int.MaxValue).IsEmpty);
        }
    });

    [Fact]
    public void Whatever_the_pace_it_comes_to_rest() => Gen.Select(SomeLoads, Gen.Int[1, 50]).Sample((loads, most) =>
    {
        var total = loads.Sum(load => load.Sessions);
        var moves = 0;
        while (loads.Any(load => !Spread.Decide(loads, load.Manager, most).IsEmpty))
        {
            loads = Moved(loads, most);
            Assert.True(++moves <= total, "agents go to and fro");
        }
    });

    [Theory]
    [InlineData(3, 1)]
    [InlineData(1_000, 10)]
    [InlineData(10_000, 100)]
    public void The_pace_is_a_few_a_second_of_a_thousand(int sessions, int most) =>
        Assert.Equal(most, Spread.Pace(sessions, TimeSpan.FromSeconds(2)));

    private static int Share(Load[] loads) => (loads.Sum(load => load.Sessions) + loads.Length - 1) / loads.Length;

    // All decide at the same time, each for itself.
    private static Load[] Moved(Load[] loads, int most)
    {
        var after = loads.ToDictionary(load => load.Manager, load => load.Sessions);
        foreach (var load in loads)
        {
            foreach (var (to, count) in Spread.Decide(loads, load.Manager, most))
            {
                after[load.Manager] -= count;
                after[to] += count;
            }
        }
        return [.. loads.Select(load => new Load(load.Manager, after[load.Manager]))];
    }
}
