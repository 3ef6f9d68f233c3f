using System.Collections.Immutable;
using Berth.Model;

namespace Berth.Manager.Store;

/// <summary>What a command does, decided purely: state, command, time and new ids in; changes or a refusal out.</summary>
public static class Commands
{
    /// <summary>Decides <paramref name="command"/>.</summary>
    /// <param name="state">The newest state, changes on their way to the journal included.</param>
    /// <param name="command">What is asked.</param>
    /// <param name="now">The leader's clock.</param>
    /// <param name="ids">New ids, in order.</param>
    public static Decision Decide(ClusterState state, Command command, DateTimeOffset now, IdSource ids) =>
        Decision.Refuse(RefusalReason.Invalid, $"{command.GetType().Name} is not understood (at index {state.Index}, {now:O}, {ids.GetType().Name})");
}

/// <summary>Changes and what to answer, or a refusal.</summary>
/// <param name="Changes">Empty when nothing has to change.</param>
/// <param name="Result">For the caller; null when refused.</param>
/// <param name="Refusal">Null when it is decided.</param>
public sealed record Decision(ImmutableArray<Change> Changes, object? Result, StoreProtocol.Refused? Refusal)
{
    /// <summary>A refusal.</summary>
    public static Decision Refuse(RefusalReason reason, string message) =>
        new([], null, new StoreProtocol.Refused(reason, message));

    /// <summary>Changes and an answer.</summary>
    public static Decision Accept(ImmutableArray<Change> changes, object result) => new(changes, result, null);
}
