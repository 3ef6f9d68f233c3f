using Berth.Manager.Updates;
using Berth.Model;

namespace Berth.Manager.Orchestration;

/// <summary>Chooses which slots leave when a service has too many.</summary>
public static class ScaleDown
{
    /// <summary>Chooses <paramref name="count"/> of <paramref name="slots"/>: first those where nothing runs, then from the
    /// nodes that hold most, to keep the rest even; the highest numbers first.</summary>
    public static List<Slot> Choose(ServiceView view, IReadOnlyCollection<Slot> slots, int count)
    {
        var chosen = new List<Slot>(count);
        var byNode = new Dictionary<NodeId, Stack<Slot>>();
        var idle = new List<Slot>();
        foreach (var slot in slots.OrderBy(slot => slot.Key))
        {
            if (slot.Tasks.LastOrDefault(task => task.Runs() && !view.IsLost(task)) is { NodeId: { } node })
            {
                if (!byNode.TryGetValue(node, out var held))
                    byNode[node] = held = [];
                held.Push(slot);
            }
            else
                idle.Add(slot);
        }
        for (var at = idle.Count - 1; at >= 0 && chosen.Count < count; at--)
            chosen.Add(idle[at]);

        var fullest = new PriorityQueue<Stack<Slot>, (int Copies, SlotKey Highest)>(
            byNode.Values.Select(held => (held, (held.Count, held.Peek().Key))),
            Comparer<(int, SlotKey)>.Create((left, right) => right.CompareTo(left)));
        while (chosen.Count < count && fullest.TryDequeue(out var held, out _))
        {
            chosen.Add(held.Pop());
            if (held.Count > 0)
                fullest.Enqueue(held, (held.Count, held.Peek().Key));
        }
        return chosen;
    }
}
