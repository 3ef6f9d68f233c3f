using System.Globalization;
using Berth.Model;
using Berth.Model.Networks;

namespace Berth.Manager.Store;

/// <summary>What a reference found, or why it found nothing.</summary>
/// <param name="Value">Null when it was refused.</param>
/// <param name="Refusal">Null when it was found.</param>
public sealed record Reference<T>(T? Value, StoreProtocol.Refused? Refusal)
    where T : class;

/// <summary>Finds objects by what people write: a whole id, then a name, then a prefix of an id that only one has.</summary>
public static class References
{
    private const int MostListed = 5;

    /// <summary>A service by id, name or unique id prefix.</summary>
    public static Reference<Service> Service(ClusterState state, string text)
    {
        if (ServiceId.TryParse(text, out var id) && state.Services.TryGetValue(id, out var whole))
            return Found(whole);
        if (state.FindService(text) is { } named)
            return Found(named);
        return ByPrefix("service", text, state.Services.Values, service => service.Id.Value, service => service.Spec.Name, "berth service ls");
    }

    /// <summary>A network by id, name or unique id prefix.</summary>
    public static Reference<Network> Network(ClusterState state, string text)
    {
        if (NetworkId.TryParse(text, out var id) && state.Networks.TryGetValue(id, out var whole))
            return Found(whole);
        if (state.FindNetwork(text) is { } named)
            return Found(named);
        return ByPrefix("network", text, state.Networks.Values, network => network.Id.Value, network => network.Spec.Name, "berth network ls");
    }

    /// <summary>A node by id, host name (when only one has it) or unique id prefix.</summary>
    public static Reference<Node> Node(ClusterState state, string text)
    {
        if (NodeId.TryParse(text, out var id) && state.Nodes.TryGetValue(id, out var whole))
            return Found(whole);
        var named = state.Nodes.Values.Where(node => node.Description.Hostname == text).OrderBy(node => node.Id).ToList();
        return named.Count switch
        {
            0 => ByPrefix("node", text, state.Nodes.Values, node => node.Id.Value, node => node.Description.Hostname, "berth node ls"),
            1 => Found(named[0]),
            _ => Ambiguous<Node>($"{named.Count} nodes have the host name '{text}'", named.Select(node => node.Id.ToString()), "name one by its id"),
        };
    }

    /// <summary>A task by id, unique id prefix, or <c>SERVICE.SLOT</c> for the newest task of that slot
    /// (<c>SERVICE.NODEID</c> in a global service).</summary>
    public static Reference<ServiceTask> Task(ClusterState state, string text)
    {
        if (TaskId.TryParse(text, out var id) && state.Tasks.TryGetValue(id, out var whole))
            return Found(whole);
        var dot = text.LastIndexOf('.');
        if (dot > 0)
            return InSlot(state, text, text[..dot], text[(dot + 1)..]);
        return ByPrefix("task", text, state.Tasks.Values, task => task.Id.Value, task => NameOf(state, task), "berth service ps SERVICE");
    }

    private static Reference<ServiceTask> InSlot(ClusterState state, string text, string serviceText, string slotText)
    {
        var service = Service(state, serviceText);
        if (service.Value is not { } found)
            return new Reference<ServiceTask>(null, service.Refusal);

        var isNumber = int.TryParse(slotText, NumberStyles.None, CultureInfo.InvariantCulture, out var slot);
        var isNode = NodeId.TryParse(slotText, out var node);
        var newest = state.TasksOf(found.Id)
            .Where(task => (isNumber && task.Slot == slot && slot > 0) || (isNode && task.Slot == 0 && task.NodeId == node))
            .OrderByDescending(task => task.IsLive).ThenByDescending(task => task.CreatedAt).ThenByDescending(task => task.Id)
            .FirstOrDefault();
        return newest is null
            ? NotFound<ServiceTask>($"service '{found.Spec.Name}' has no task in slot '{slotText}' (asked for as '{text}')", $"berth service ps {found.Spec.Name}")
            : Found(newest);
    }

    private static Reference<T> ByPrefix<T>(
        string kind, string text, IEnumerable<T> all, Func<T, UInt128> idOf, Func<T, string> nameOf, string list)
        where T : class
    {
        if (TryRange(text, out var low, out var high))
        {
            var matches = all.Where(item => idOf(item) >= low && idOf(item) <= high).OrderBy(idOf).Take(MostListed + 1).ToList();
            if (matches.Count == 1)
                return Found(matches[0]);
            if (matches.Count > 1)
            {
                return Ambiguous<T>($"several {kind}s have ids that begin with '{text}'",
                    matches.Select(item => $"{ObjectId.Format(idOf(item))} ({nameOf(item)})"), "write more of the id, or the name");
            }
        }
        return NotFound<T>($"there is no {kind} '{text}'", list);
    }

    // The ids that begin with a text are one range of numbers; no id has to be written out to compare it.
    private static bool TryRange(string prefix, out UInt128 low, out UInt128 high)
    {
        high = UInt128.Zero;
        if (prefix.Length is 0 or > ObjectId.Length || !ObjectId.TryParse(prefix.PadRight(ObjectId.Length, '0'), out low))
        {
            low = UInt128.Zero;
            return false;
        }
        if (!ObjectId.TryParse(prefix.PadRight(ObjectId.Length, 'z'), out high))
            high = UInt128.MaxValue;
        return true;
    }

    private static string NameOf(ClusterState state, ServiceTask task)
    {
        var service = state.Services.TryGetValue(task.ServiceId, out var found) ? found.Spec.Name : task.ServiceId.ToString();
        return task.Slot > 0 ? $"{service}.{task.Slot}" : $"{service}.{task.NodeId}";
    }

    private static Reference<T> Found<T>(T value)
        where T : class => new(value, null);

    private static Reference<T> NotFound<T>(string what, string list)
        where T : class => new(null, new StoreProtocol.Refused(RefusalReason.NotFound, $"{what}; to see what there is, run: {list}"));

    private static Reference<T> Ambiguous<T>(string what, IEnumerable<string> matches, string next)
        where T : class
    {
        var all = matches.ToList();
        var more = all.Count > MostListed ? ", …" : "";
        return new(null, new StoreProtocol.Refused(RefusalReason.Conflict, $"{what}: {string.Join(", ", all.Take(MostListed))}{more}; {next}"));
    }
}
