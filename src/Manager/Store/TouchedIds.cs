using System.Collections;
using System.Runtime.CompilerServices;

namespace Berth.Manager.Store;

/// <summary>Ids of one kind of objects, to read only. A hash set as it was gathered: a tree of tens of thousands of ids would
/// cost more to make than everybody's reading of it.</summary>
[CollectionBuilder(typeof(TouchedIds), nameof(TouchedIds.Create))]
public sealed class TouchedIds<TId> : IReadOnlyCollection<TId>
    where TId : struct
{
    private readonly HashSet<TId> _ids;

    internal TouchedIds(HashSet<TId> ids) => _ids = ids;

    /// <inheritdoc/>
    public int Count => _ids.Count;

    /// <summary>Whether there are none.</summary>
    public bool IsEmpty => _ids.Count == 0;

    /// <summary>Whether <paramref name="id"/> is among them.</summary>
    public bool Contains(TId id) => _ids.Contains(id);

    /// <summary>Whether one of <paramref name="ids"/> is among them.</summary>
    public bool Overlaps(IEnumerable<TId> ids) => _ids.Overlaps(ids);

    /// <summary>Walks them without allocating.</summary>
    public HashSet<TId>.Enumerator GetEnumerator() => _ids.GetEnumerator();

    IEnumerator<TId> IEnumerable<TId>.GetEnumerator() => _ids.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => _ids.GetEnumerator();
}

/// <summary>Makes <see cref="TouchedIds{TId}"/> from collection expressions.</summary>
public static class TouchedIds
{
    /// <summary>These ids.</summary>
    public static TouchedIds<TId> Create<TId>(ReadOnlySpan<TId> ids)
        where TId : struct => new([.. ids]);
}
