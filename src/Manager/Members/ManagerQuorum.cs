using System.Collections.Immutable;
using Berth.Model;

namespace Berth.Manager.Members;

/// <summary>A manager, when the number of managers is to change.</summary>
/// <param name="Node">Its node id.</param>
/// <param name="Hostname">Its host.</param>
/// <param name="IsAlive">Whether it, and its share of the store, answers.</param>
public sealed record ManagerView(NodeId Node, string Hostname, bool IsAlive);

/// <summary>How many managers may be lost, and which of them may go.</summary>
public static class ManagerQuorum
{
    /// <summary>Why a manager must not be demoted; null when it may.</summary>
    /// <param name="managers">All there are.</param>
    /// <param name="leaving">The one that is to go.</param>
    /// <param name="needsMajority">Whether the store lives on the managers and needs more than half of them: etcd.</param>
    /// <param name="isForced">Whether the administrator insists.</param>
    public static string? Problem(ImmutableArray<ManagerView> managers, NodeId leaving, bool needsMajority, bool isForced)
    {
        if (managers.FirstOrDefault(manager => manager.Node == leaving) is not { } one)
            return null;
        if (managers.Length == 1)
            return $"'{one.Hostname}' is the only manager: without it nobody keeps the cluster. Promote another node first (berth node promote NODE), then demote this one";
        if (!needsMajority)
            return managers.Any(manager => manager.IsAlive && manager != one) || isForced
                ? null
                : $"no other manager than '{one.Hostname}' answers: with it gone nobody would lead. Start another manager first, or insist with --force";

        var (total, alive) = (managers.Length, managers.Count(manager => manager.IsAlive));
        if (alive < MembersDecider.Majority(total))
            return $"{alive} of {total} managers answer, and {MembersDecider.Majority(total)} are needed to change anything. Start the others again; "
                + "if they are lost for good, run berth cluster recover on one that is left";
        var (left, leftAlive) = (total - 1, alive - (one.IsAlive ? 1 : 0));
        if (leftAlive >= MembersDecider.Majority(left) || isForced)
            return null;
        return $"without '{one.Hostname}' {leftAlive} of {left} managers would answer, and {MembersDecider.Majority(left)} are needed: the cluster could be read but not "
            + $"changed. Start {Names(managers.Where(manager => !manager.IsAlive))} again or demote what is lost first; --force does it all the same";
    }

    /// <summary>What a person should know about the number of managers; empty when all is well.</summary>
    public static ImmutableArray<string> Advice(ImmutableArray<ManagerView> managers, bool needsMajority)
    {
        var advice = ImmutableArray.CreateBuilder<string>();
        var (total, alive) = (managers.Length, managers.Count(manager => manager.IsAlive));
        if (total == 1)
            advice.Add("one manager: while it is down nothing can be changed, and its disk is the only copy of the state. Three managers survive the loss of one: "
                + "berth node promote NODE on two more, or keep backups");
        else if (needsMajority && total % 2 == 0)
            advice.Add($"{total} managers survive the loss of {Spare(total)}, as {total - 1} would: promote or demote one");
        if (needsMajority && total > 7)
            advice.Add($"{total} managers make each write wait for {MembersDecider.Majority(total)} of them: five are enough for most clusters");
        if (alive < total && total > 1)
            advice.Add(needsMajority && alive < MembersDecider.Majority(total)
                ? $"{alive} of {total} managers answer and {MembersDecider.Majority(total)} are needed: nothing can be changed until another is back. If {Names(managers.Where(manager => !manager.IsAlive))} "
                    + "are lost for good, run berth cluster recover on one that is left"
                : $"{Names(managers.Where(manager => !manager.IsAlive))} {(total - alive == 1 ? "does" : "do")} not answer"
                    + (needsMajority ? $": {alive - MembersDecider.Majority(total)} more may be lost before nothing can be changed" : ""));
        return advice.ToImmutable();
    }

    private static int Spare(int total) => total - MembersDecider.Majority(total);

    private static string Names(IEnumerable<ManagerView> managers) => string.Join(", ", managers.Select(manager => $"'{manager.Hostname}'"));
}
