using Berth.Identity;
using Berth.Manager.Store;
using Berth.Model;
using Google.Protobuf;

namespace Berth.Manager.Access;

/// <summary>Who may make which call. Pure: call, caller, state and time in; null or the reason of a refusal out.</summary>
public static class AccessDecider
{
    /// <summary>What a refused caller is told in place of a reason when nobody made a rule for the call.</summary>
    public const string NoSuchCall = "there is no such call, or its version of berth-manager has no rule for it";

    /// <summary>Decides what can be decided without the call's content.</summary>
    /// <param name="rule">The call's rule; null when it has none.</param>
    /// <param name="caller">Who calls.</param>
    /// <param name="state">Who belongs to the cluster.</param>
    /// <param name="now">By the manager's clock.</param>
    /// <returns>Null when he may go on; else why not.</returns>
    public static string? Refuse(CallRule? rule, Caller caller, ClusterState state, DateTimeOffset now)
    {
        if (caller.Via is { } manager && Refuse(Audience.Managers, manager, state, now) is { } wrongManager)
            return $"the call was passed on by {manager.Name}, and {wrongManager}";
        return rule is null ? NoSuchCall : Refuse(rule.Audience, caller, state, now);
    }

    /// <summary>Decides the rest, by the call's first message.</summary>
    public static string? Refuse(CallRule rule, Caller caller, ClusterState state, IMessage first)
    {
        if (caller.Kind is CallerKind.Worker or CallerKind.Manager && rule.NodeOf(first) is { } node && node != caller.Name)
            return $"node {caller.Name} cannot speak for node '{node}'";
        if (rule.Audience != Audience.Deployers || caller.Kind != CallerKind.Client)
            return null;
        var client = state.Clients[caller.Name];
        var foreign = rule.Subjects(state, first).Where(subject => !client.MayChange(subject.Stack)).Select(subject => subject.Name).ToList();
        return foreign.Count == 0 ? null : $"{Who(client)} may not change {string.Join(", ", foreign.Take(5))}: {Stacks(client)}";
    }

    /// <summary>Who it is, for people and the audit log.</summary>
    public static string Describe(Caller caller, ClusterState state) => caller.Kind switch
    {
        CallerKind.LocalRoot => caller.Name,
        CallerKind.Client => state.Clients.TryGetValue(caller.Name, out var client) && client.Serial == caller.Serial
            ? Who(client)
            : $"former client '{caller.Name}'",
        CallerKind.Manager => $"manager {Hostname(caller, state)}",
        CallerKind.Worker => $"node {Hostname(caller, state)}",
        _ => "nobody (no certificate)",
    };

    private static string? Refuse(Audience audience, Caller caller, ClusterState state, DateTimeOffset now)
    {
        // The calls of this audience look at the certificate themselves, also at one that has expired.
        if (audience == Audience.Everyone)
            return null;
        // Of nodes the state knows the newest certificate: a connection outlives the one it was made with.
        if (caller.Kind is CallerKind.Client && caller.ExpiresAt is { } end && end <= now)
            return $"its certificate expired on {end:yyyy-MM-dd HH:mm} UTC";
        return caller.Kind switch
        {
            CallerKind.LocalRoot => audience switch
            {
                Audience.Managers => "only managers make this call to one another",
                Audience.Local when caller.Via is not null => "this call is answered by the socket of the very manager it is about",
                _ => null,
            },
            CallerKind.Client => RefuseClient(audience, caller, state),
            CallerKind.Manager => RefuseManager(audience, caller, state, now),
            CallerKind.Worker => RefuseWorker(audience, caller, state, now),
            _ => "no certificate was shown; use the manager's local socket, or a client certificate (berth cluster client create)",
        };
    }

    private static string? RefuseClient(Audience audience, Caller caller, ClusterState state)
    {
        if (!state.Clients.TryGetValue(caller.Name, out var client))
            return $"client '{caller.Name}' was removed, or never admitted to this cluster";
        if (client.Serial != caller.Serial)
            return $"this is an earlier certificate of client '{caller.Name}'; use the newest one";
        if (client.KeyHash.Length > 0 && client.KeyHash != caller.KeyHash)
            return $"this certificate of client '{caller.Name}' is for another key than the one that was admitted";
        return audience switch
        {
            Audience.Known or Audience.Readers => null,
            Audience.Deployers => client.Role >= ClientRole.Deployer ? null : $"{Who(client)} may only read",
            Audience.Admins => client.Role == ClientRole.Admin ? null : $"{Who(client)} is no admin",
            Audience.Local => "this call is answered over the manager's local socket only",
            _ => "this call is for agents and managers, not for clients",
        };
    }

    private static string? RefuseManager(Audience audience, Caller caller, ClusterState state, DateTimeOffset now) =>
        RefuseNode(caller, CertificateRole.Manager, state, now)
            ?? (audience is Audience.Managers or Audience.Known ? null : "a manager passes on the calls of others, and makes none of its own");

    private static string? RefuseWorker(Audience audience, Caller caller, ClusterState state, DateTimeOffset now) =>
        RefuseNode(caller, CertificateRole.Worker, state, now)
            ?? (audience is Audience.Agents or Audience.Known ? null : "an agent's certificate opens what agents need, and nothing else");

    private static string? RefuseNode(Caller caller, CertificateRole role, ClusterState state, DateTimeOffset now) => caller.Node is { } id
        ? NodeAdmission.CallProblem(state, id, role, caller.KeyHash, now)
        : $"'{caller.Name}' is no node's id";

    private static string Who(Client client) => $"{client.Role.ToString().ToLowerInvariant()} '{client.Name}'";

    private static string Stacks(Client client) => client.Stacks.Contains(Client.EveryStack)
        ? "it belongs to no stack"
        : $"its stacks are {string.Join(", ", client.Stacks)}";

    private static string Hostname(Caller caller, ClusterState state) => caller.Node is { } id && state.Nodes.TryGetValue(id, out var node)
        ? $"'{node.Description.Hostname}'"
        : caller.Name;
}
