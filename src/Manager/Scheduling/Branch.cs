namespace Berth.Manager.Scheduling;

/// <summary>Nodes that agree in the first values a service spreads its tasks over; without preferences, all nodes.</summary>
/// <remarks>Each level evens its children by tasks of the service; within a leaf nodes go by <see cref="Rank"/>. Queues
/// hold the keys of when things were put in: keys only grow during a pass, so an outdated one is renewed when it comes
/// up, and a placement costs a logarithm of the nodes.</remarks>
internal sealed class Branch
{
    private readonly Dictionary<string, Branch> _byName = new(StringComparer.Ordinal);
    private readonly PriorityQueue<Branch, Key> _branches = new();
    private readonly PriorityQueue<NodeRoom, Rank> _rooms = new();

    public Branch(string name, Branch? parent)
    {
        Name = name;
        Parent = parent;
    }

    public string Name { get; }
    public Branch? Parent { get; }

    /// <summary>Tasks of the service on all its nodes, also on those that take no more.</summary>
    public int Tasks { get; set; }

    private Key Order => new(Tasks, Name);

    /// <summary>The branch below this one for a value of the attribute; values are compared without regard to case, as in
    /// constraints.</summary>
    public Branch Child(string value)
    {
        var name = value.ToUpperInvariant();
        if (!_byName.TryGetValue(name, out var child))
            _byName[name] = child = new Branch(name, this);
        return child;
    }

    /// <summary>Offers a node of this leaf.</summary>
    public void Offer(NodeRoom room) => _rooms.Enqueue(room, room.Rank);

    /// <summary>Sorts the branches below; after all nodes were counted and offered.</summary>
    public void Sort()
    {
        foreach (var child in _byName.Values)
        {
            child.Sort();
            _branches.Enqueue(child, child.Order);
        }
    }

    /// <summary>The best node on which the group's needs fit; null when there is none left. Does not take it.</summary>
    public NodeRoom? Best(Needs needs)
    {
        while (_branches.TryPeek(out var branch, out var key))
        {
            if (key != branch.Order)
                _branches.DequeueEnqueue(branch, branch.Order);
            else if (branch.Best(needs) is { } best)
                return best;
            else
                _branches.Dequeue();
        }
        while (_rooms.TryPeek(out var room, out var rank))
        {
            if (rank != room.Rank)
                _rooms.DequeueEnqueue(room, room.Rank);
            else if (needs.Reject(room, Relief.None) is null)
                return room;
            else
                _rooms.Dequeue();
        }
        return null;
    }

    /// <summary>Whether <paramref name="left"/> comes before <paramref name="right"/>: by the first branches in which they
    /// differ, else by rank.</summary>
    public static bool IsBefore(NodeRoom left, NodeRoom right)
    {
        if (ReferenceEquals(left.Branch, right.Branch))
            return left.Rank.CompareTo(right.Rank) < 0;

        var (a, b) = (left.Branch!, right.Branch!);
        while (!ReferenceEquals(a.Parent, b.Parent))
            (a, b) = (a.Parent!, b.Parent!);
        return a.Order.CompareTo(b.Order) < 0;
    }

    private readonly record struct Key(int Tasks, string Name) : IComparable<Key>
    {
        public int CompareTo(Key other) =>
            Tasks != other.Tasks ? Tasks.CompareTo(other.Tasks) : string.CompareOrdinal(Name, other.Name);
    }
}
