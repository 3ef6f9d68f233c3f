using System.Collections.Immutable;

namespace Berth.Manager.Keys;

/// <summary>The data keys a manager holds, and which of them new rows are sealed under. A value: changes make another ring.</summary>
public sealed class KeyRing
{
    private readonly ImmutableSortedDictionary<KeyId, DataKey> _keys;

    private KeyRing(long version, DataKey current, ImmutableSortedDictionary<KeyId, DataKey> keys) =>
        (Version, Current, _keys) = (version, current, keys);

    /// <summary>Grows with each change, so that a manager never goes back to an earlier ring.</summary>
    public long Version { get; }

    /// <summary>New rows are sealed under it.</summary>
    public DataKey Current { get; }

    /// <summary>All keys, by id.</summary>
    public IReadOnlyCollection<DataKey> Keys => [.. _keys.Values];

    /// <summary>A ring of one new key: what a cluster starts with.</summary>
    public static KeyRing Create(DateTimeOffset now) => Of(1, DataKey.Create(now));

    /// <summary>A ring as it was written down.</summary>
    /// <exception cref="ArgumentException">No key has the id <paramref name="current"/>, or two keys have one id.</exception>
    public static KeyRing Restore(long version, KeyId current, IEnumerable<DataKey> keys)
    {
        var byId = keys.ToImmutableSortedDictionary(key => key.Id, key => key);
        return byId.TryGetValue(current, out var key)
            ? new KeyRing(version, key, byId)
            : throw new ArgumentException($"the current data key {current} is not among the keys", nameof(current));
    }

    /// <summary>The key of that id; null when the ring lacks it.</summary>
    public DataKey? Find(KeyId id) => _keys.GetValueOrDefault(id);

    /// <summary>With another key, which is not used yet: every manager has to hold it first.</summary>
    public KeyRing With(DataKey key) => new(Version + 1, Current, _keys.SetItem(key.Id, key));

    /// <summary>New rows are sealed under the key <paramref name="id"/> from now on.</summary>
    /// <exception cref="ArgumentException">The ring lacks it.</exception>
    public KeyRing Using(KeyId id) => Restore(Version + 1, id, _keys.Values);

    /// <summary>Only the current key: nothing names the others any more.</summary>
    public KeyRing WithoutEarlier() => _keys.Count == 1 ? this : Of(Version + 1, Current);

    private static KeyRing Of(long version, DataKey key) =>
        new(version, key, ImmutableSortedDictionary<KeyId, DataKey>.Empty.Add(key.Id, key));
}
