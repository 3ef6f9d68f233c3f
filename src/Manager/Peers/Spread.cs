using System.Collections.Immutable;
using Berth.Model;

namespace Berth.Manager.Peers;

/// <summary>What a manager holds.</summary>
/// <param name="Manager">Its node id.</param>
/// <param name="Sessions">Agents connected to it; those that were just told to move count where they go.</param>
public readonly record struct Load(NodeId Manager, int Sessions);

/// <summary>Says how many agents leave a manager that has too many, and where they go.</summary>
/// <remarks>Each manager decides about its own agents, from the same plan for all: managers above their share give what is above
/// it, in order of their ids, to those below theirs, in order of their ids. So two that have too many never fill the same place,
/// and nobody needs to be told. A manager that is only a little above its share keeps what it has: agents never go to and fro.</remarks>
public static class Spread
{
    // A tenth more than a fair share harms nobody.
    private const int SlackDivisor = 10;

    /// <summary>Decides how many of this manager's agents move, by where they go; empty when all is well.</summary>
    /// <param name="loads">Every manager that can be reached, this one included.</param>
    /// <param name="me">This manager.</param>
    /// <param name="most">How many may be told at a time.</param>
    public static ImmutableArray<Load> Decide(IReadOnlyCollection<Load> loads, NodeId me, int most)
    {
        var mine = loads.FirstOrDefault(load => load.Manager == me);
        if (loads.Count < 2 || mine.Manager != me)
            return [];
        var share = (loads.Sum(load => load.Sessions) + loads.Count - 1) / loads.Count;
        if (Surplus(mine, share) == 0)
            return [];

        var before = loads.Where(load => load.Manager.Value < me.Value).Sum(load => Surplus(load, share));
        var (from, to) = (before, before + Surplus(mine, share));
        var moves = ImmutableArray.CreateBuilder<Load>();
        var at = 0;
        foreach (var load in loads.OrderBy(load => load.Manager.Value))
        {
            var room = Math.Max(0, share - load.Sessions);
            var taken = Math.Min(at + room, to) - Math.Max(at, from);
            at += room;
            taken = Math.Min(taken, most);
            if (taken <= 0)
                continue;
            moves.Add(new Load(load.Manager, taken));
            most -= taken;
        }
        return moves.ToImmutable();
    }

    /// <summary>How many agents may be told to move at a time: a few a second of a thousand, and at least one.</summary>
    /// <param name="sessions">All agents.</param>
    /// <param name="period">Between two times.</param>
    public static int Pace(int sessions, TimeSpan period) => Math.Max(1, (int)(sessions * PerThousandAndSecond * period.TotalSeconds / 1000));

    private const double PerThousandAndSecond = 5;

    // Whoever gives, gives down to the share. All of that fits below it elsewhere: the shares together are no less than all agents.
    private static int Surplus(Load load, int share) => load.Sessions > share + share / SlackDivisor ? load.Sessions - share : 0;
}
