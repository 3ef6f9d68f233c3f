using System.Collections.Immutable;
using Berth.Model;

namespace Berth.Agent.Session;

/// <summary>A manager that can be dialled.</summary>
/// <param name="Id">Its node's id; empty where only its address is known.</param>
/// <param name="Url">Where it answers: https, or a unix socket.</param>
public sealed record ManagerEndpoint(string Id, Uri Url)
{
    /// <summary>By what it is known again when its address changes.</summary>
    public string Key => Id.Length > 0 ? Id : Url.OriginalString;
}

/// <summary>What came of the last dial.</summary>
public enum DialResult
{
    /// <summary>The agent has just started.</summary>
    Started,
    /// <summary>Nobody answered, or not in time, or not as a manager does.</summary>
    Unreachable,
    /// <summary>A manager answered that it cannot take the agent in now: it knows no leader, or is starting.</summary>
    NotNow,
    /// <summary>A session that had begun is over.</summary>
    Broke,
    /// <summary>A manager asked the agent to go to another one.</summary>
    Moved,
    /// <summary>A manager refused the node.</summary>
    Refused,
}

/// <summary>Whom to dial, when, and how long to wait for an answer.</summary>
/// <param name="Manager">Whom.</param>
/// <param name="Rival">Whom as well should the first not have connected in time; null for nobody.</param>
/// <param name="RivalAfter">That time.</param>
/// <param name="Wait">How long to wait before.</param>
/// <param name="Patience">How long connecting and proving who one is may take.</param>
public sealed record Dial(ManagerEndpoint Manager, ManagerEndpoint? Rival, TimeSpan RivalAfter, TimeSpan Wait, TimeSpan Patience);

/// <summary>Which manager an agent goes to, and how fast it tries. Pure; docs/agent.md says what must hold.</summary>
/// <remarks>Every agent ranks the managers by a hash of its own id and theirs: they spread evenly without a word, and a manager
/// that joins or leaves moves only those it concerns. Nothing but a break or a manager's wish moves an agent that has a session.</remarks>
public sealed record DialPlan
{
    /// <summary>No pause within a row of failures is longer than this, but for the rejoin window.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    /// <summary>After a refusal nothing changes by asking often.</summary>
    public static readonly TimeSpan AfterRefusal = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan RivalAfter = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan FirstHold = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan FirstPatience = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestPatience = TimeSpan.FromSeconds(5);
    private const int MostHolds = 8;

    /// <summary>Whom to dial, best first; never empty.</summary>
    public required ImmutableArray<ManagerEndpoint> Order { get; init; }

    /// <summary>Over which time agents spread that lost their manager together; zero in small clusters.</summary>
    public TimeSpan RejoinWindow { get; init; }

    /// <summary>Place in <see cref="Order"/> of the manager dialled last.</summary>
    public int At { get; init; }

    /// <summary>Managers in a row that could not be reached.</summary>
    public int Failures { get; init; }

    /// <summary>Times in a row that the same manager said: not now.</summary>
    public int Holds { get; init; }

    /// <summary>The manager dialled last.</summary>
    public ManagerEndpoint Current => Order[At];

    /// <summary>A plan before the first dial.</summary>
    /// <param name="node">Whose.</param>
    /// <param name="told">Managers that a manager told of last.</param>
    /// <param name="seeds">Managers named at the start, tried when none of those answers.</param>
    /// <param name="window">The rejoin window that a manager told last.</param>
    public static DialPlan Of(NodeId node, IEnumerable<ManagerEndpoint> told, IEnumerable<ManagerEndpoint> seeds, TimeSpan window)
    {
        var known = Rank(node, told);
        var addresses = known.Select(manager => manager.Url).ToHashSet();
        return new DialPlan
        {
            Order = [.. known, .. Rank(node, seeds.Where(seed => !addresses.Contains(seed.Url)))],
            RejoinWindow = window,
        };
    }

    /// <summary>The plan with other managers; the one dialled last stays the one dialled last where it still is there.</summary>
    public DialPlan With(NodeId node, IEnumerable<ManagerEndpoint> told, IEnumerable<ManagerEndpoint> seeds, TimeSpan window)
    {
        var plan = Of(node, told, seeds, window);
        var at = Find(plan.Order, Current);
        return plan with { At = Math.Max(at, 0), Failures = Failures, Holds = Holds };
    }

    /// <summary>The plan once another manager than the one dialled answered first.</summary>
    public DialPlan Reached(ManagerEndpoint manager) => this with { At = Math.Max(Find(Order, manager), 0) };

    /// <summary>What to dial next.</summary>
    /// <param name="result">What came of the last dial.</param>
    /// <param name="chance">0 to 1, anew each time.</param>
    /// <param name="target">Where a manager sent the agent, after <see cref="DialResult.Moved"/>.</param>
    public (DialPlan Plan, Dial Dial) Next(DialResult result, double chance, string? target = null)
    {
        var plan = Advance(result, target);
        var wait = plan.WaitAfter(result, chance);
        // Where many come at once managers are slow to answer: who gives up and dials again only makes them slower, and so does a second dial.
        var patience = Times(FirstPatience, Math.Pow(2, plan.Failures / plan.Order.Length), LongestPatience) + plan.RejoinWindow * 2;
        var rival = plan.Order.Length > 1 && result != DialResult.NotNow ? plan.Order[(plan.At + 1) % plan.Order.Length] : null;
        return (plan, new Dial(plan.Current, rival, RivalAfter + plan.RejoinWindow, wait, patience));
    }

    private DialPlan Advance(DialResult result, string? target)
    {
        var next = (At + 1) % Order.Length;
        return result switch
        {
            DialResult.Started => this with { At = 0, Failures = 0, Holds = 0 },
            DialResult.Broke => this with { At = next, Failures = 0, Holds = 0 },
            DialResult.NotNow when Holds < MostHolds => this with { Failures = 0, Holds = Holds + 1 },
            // It holds for too long: perhaps it is the one that is cut off.
            DialResult.NotNow => this with { At = next, Failures = 0, Holds = MostHolds / 2 },
            DialResult.Moved => Find(Order, target) is >= 0 and var at ? this with { At = at, Failures = 0, Holds = 0 } : this with { At = next, Failures = 0, Holds = 0 },
            DialResult.Refused => this with { At = next, Failures = 0, Holds = 0 },
            _ => this with { At = next, Failures = Failures + 1, Holds = 0 },
        };
    }

    private TimeSpan WaitAfter(DialResult result, double chance) => result switch
    {
        DialResult.Started or DialResult.Broke => RejoinWindow * chance,
        DialResult.Moved => TimeSpan.Zero,
        DialResult.Refused => AfterRefusal * (0.75 + chance / 2),
        DialResult.NotNow => Times(FirstHold, Math.Pow(1.5, Holds - 1), LongestPause + RejoinWindow) * (0.5 + chance / 2),
        // Everybody is tried once without a pause; then the pauses grow with each round.
        _ when Failures < Order.Length => TimeSpan.Zero,
        _ => Times(FirstPause, Math.Pow(2, (Failures / Order.Length) - 1), LongestPause + RejoinWindow) * (0.5 + chance / 2),
    };

    private static TimeSpan Times(TimeSpan first, double factor, TimeSpan longest) =>
        first.TotalSeconds * factor >= longest.TotalSeconds ? longest : first * factor;

    private static int Find(ImmutableArray<ManagerEndpoint> order, ManagerEndpoint manager)
    {
        var at = Find(order, manager.Key);
        if (at >= 0)
            return at;
        for (var other = 0; other < order.Length; other++)
        {
            if (order[other].Url == manager.Url)
                return other;
        }
        return -1;
    }

    private static int Find(ImmutableArray<ManagerEndpoint> order, string? key)
    {
        for (var at = 0; at < order.Length; at++)
        {
            if (order[at].Key == key)
                return at;
        }
        return -1;
    }

    private static List<ManagerEndpoint> Rank(NodeId node, IEnumerable<ManagerEndpoint> managers) =>
        [.. managers.DistinctBy(manager => manager.Key).OrderByDescending(manager => Weight(node, manager.Key)).ThenBy(manager => manager.Key, StringComparer.Ordinal)];

    // FNV-1a, finished by MurmurHash3's mixer: the same on every host and in every version.
    private static ulong Weight(NodeId node, string manager)
    {
        var hash = 14695981039346656037UL;
        foreach (var character in node.ToString())
            hash = (hash ^ character) * 1099511628211UL;
        foreach (var character in manager)
            hash = (hash ^ character) * 1099511628211UL;
        hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccdUL;
        hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53UL;
        return hash ^ (hash >> 33);
    }
}
