using System.Globalization;
using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Manager.Api;

/// <summary>What a reference names, or why it names nothing.</summary>
/// <param name="Value">Null when refused.</param>
/// <param name="Refusal">Null when found.</param>
internal readonly record struct Found<T>(T? Value, StoreProtocol.Refused? Refusal)
    where T : class
{
    /// <summary>What was found, or the refusal as a gRPC status.</summary>
    public T OrThrow() => Refusal is null ? Value! : throw ApiErrors.From(Refusal);
}

/// <summary>Finds objects as people name them: id, unique id prefix, name; SERVICE.SLOT for tasks.</summary>
/// <remarks>A whole id wins over a name, a name over a prefix. What several objects answer to is refused with the
/// candidates: acting on the wrong one is worse than asking again.</remarks>
internal static class References
{
    /// <summary>Candidates named in a refusal.</summary>
    public const int MostCandidates = 5;

    public static Found<Service> Service(ClusterState state, string reference)
    {
        if (ServiceId.TryParse(reference, out var id) && state.Services.TryGetValue(id, out var byId))
            return new(byId, null);
        if (state.FindService(reference) is { } byName)
            return new(byName, null);

        return One(
            "service", reference,
            ByPrefix(state.Services.Values, reference, service => service.Id.Value),
            service => $"{service.Id} ({service.Spec.Name})",
            "berth service ls");
    }

    public static Found<Node> Node(ClusterState state, string reference)
    {
        if (NodeId.TryParse(reference, out var id) && state.Nodes.TryGetValue(id, out var byId))
            return new(byId, null);

        var byName = state.Nodes.Values.Where(node => node.Description.Hostname == reference).ToList();
        var candidates = byName.Count > 0 ? byName : ByPrefix(state.Nodes.Values, reference, node => node.Id.Value);
        return One("node", reference, candidates, node => $"{node.Id} ({node.Description.Hostname})", "berth node ls");
    }

    public static Found<ServiceTask> Task(ClusterState state, string reference)
    {
        if (TaskId.TryParse(reference, out var id) && state.Tasks.TryGetValue(id, out var byId))
            return new(byId, null);
        if (InSlot(state, reference) is { } bySlot)
            return new(bySlot, null);

        return One(
            "task", reference,
            ByPrefix(state.Tasks.Values, reference, task => task.Id.Value),
            task => $"{task.Id} ({TaskNames.Of(state, task)})",
            "berth service ps SERVICE");
    }

    /// <summary>The newest task of a slot: a live one before an ended one.</summary>
    public static ServiceTask? Newest(IEnumerable<ServiceTask> slot) => slot
        .OrderByDescending(task => task.IsLive)
        .ThenByDescending(task => task.CreatedAt)
        .ThenByDescending(task => task.Version)
        .ThenBy(task => task.Id)
        .FirstOrDefault();

    // SERVICE.SLOT, or SERVICE.NODE of a global service. Service names have dots at times, so the last one divides.
    private static ServiceTask? InSlot(ClusterState state, string reference)
    {
        var dot = reference.LastIndexOf('.');
        if (dot <= 0 || state.FindService(reference[..dot]) is not { } service)
            return null;

        var slot = reference[(dot + 1)..];
        if (int.TryParse(slot, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
            && Newest(state.TasksOf(service.Id).Where(task => task.Slot == number)) is { } replica)
            return replica;
        return Node(state, slot).Value is { } node
            ? Newest(state.TasksOf(service.Id).Where(task => task.Slot == 0 && task.NodeId == node.Id))
            : null;
    }

    private static Found<T> One<T>(string what, string reference, List<T> candidates, Func<T, string> show, string list)
        where T : class
    {
        if (candidates.Count == 1)
            return new(candidates[0], null);
        if (candidates.Count == 0)
            return Refuse<T>(RefusalReason.NotFound, reference.Length == 0
                ? $"no {what} was named; see {list}"
                : $"there is no {what} '{reference}'; see {list}");

        var named = string.Join(", ", candidates.Select(show).Order(StringComparer.Ordinal).Take(MostCandidates));
        var more = candidates.Count > MostCandidates ? $" and {candidates.Count - MostCandidates} more" : "";
        return Refuse<T>(
            RefusalReason.Invalid,
            $"'{reference}' could be any of {candidates.Count} {what}s: {named}{more}; name one by its id");
    }

    private static Found<T> Refuse<T>(RefusalReason reason, string message)
        where T : class =>
        new(null, new StoreProtocol.Refused(reason, message));

    // Ids are numbers; a prefix of their text is a range of them, which saves writing out every id to compare.
    private static List<T> ByPrefix<T>(IEnumerable<T> objects, string prefix, Func<T, UInt128> id) =>
        TryRange(prefix, out var low, out var high)
            ? [.. objects.Where(item => id(item) >= low && id(item) <= high)]
            : [];

    private static bool TryRange(string prefix, out UInt128 low, out UInt128 high)
    {
        low = high = UInt128.Zero;
        if (prefix.Length is 0 or > ObjectId.Length
            || !ObjectId.TryParse(prefix.PadRight(ObjectId.Length, '0'), out low))
            return false;
        if (!ObjectId.TryParse(prefix.PadRight(ObjectId.Length, 'z'), out high))
            high = UInt128.MaxValue;
        return true;
    }
}
