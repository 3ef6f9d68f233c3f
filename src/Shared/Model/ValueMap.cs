using System.Collections;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Berth.Model;

/// <summary>An immutable map of text to text (labels, options) that equals another with the same entries.</summary>
/// <remarks>Kept sorted by key, ordinal, in one array: small, and always listed in the same order.</remarks>
public sealed class ValueMap : IReadOnlyDictionary<string, string>, IEquatable<ValueMap>
{
    private readonly ImmutableArray<KeyValuePair<string, string>> _entries;

    private ValueMap(ImmutableArray<KeyValuePair<string, string>> sorted) => _entries = sorted;

    /// <summary>The map with no entries.</summary>
    public static ValueMap Empty { get; } = new([]);

    /// <inheritdoc/>
    public int Count => _entries.Length;

    /// <inheritdoc/>
    public IEnumerable<string> Keys => _entries.Select(entry => entry.Key);

    /// <inheritdoc/>
    public IEnumerable<string> Values => _entries.Select(entry => entry.Value);

    /// <inheritdoc/>
    public string this[string key] =>
        TryGetValue(key, out var value) ? value : throw new KeyNotFoundException($"There is no entry '{key}'.");

    /// <summary>A map of these entries; the last of several with the same key wins.</summary>
    public static ValueMap From(IEnumerable<KeyValuePair<string, string>> entries)
    {
        var sorted = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in entries)
            sorted[key] = value;
        return sorted.Count == 0 ? Empty : new ValueMap([.. sorted]);
    }

    /// <summary>A map of one entry.</summary>
    public static ValueMap Of(string key, string value) => new([KeyValuePair.Create(key, value)]);

    /// <summary>This map with <paramref name="key"/> set to <paramref name="value"/>.</summary>
    public ValueMap With(string key, string value) => From(_entries.Append(KeyValuePair.Create(key, value)));

    /// <summary>This map without <paramref name="key"/>.</summary>
    public ValueMap Without(string key) => From(_entries.Where(entry => entry.Key != key));

    /// <inheritdoc/>
    public bool ContainsKey(string key) => TryGetValue(key, out _);

    /// <inheritdoc/>
    public bool TryGetValue(string key, [MaybeNullWhen(false)] out string value)
    {
        int low = 0, high = _entries.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = string.CompareOrdinal(_entries[middle].Key, key);
            if (order == 0)
            {
                value = _entries[middle].Value;
                return true;
            }
            if (order < 0)
                low = middle + 1;
            else
                high = middle - 1;
        }
        value = null;
        return false;
    }

    /// <inheritdoc/>
    public bool Equals(ValueMap? other) =>
        other is not null && _entries.AsSpan().SequenceEqual(other._entries.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as ValueMap);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var (key, value) in _entries)
        {
            hash.Add(key, StringComparer.Ordinal);
            hash.Add(value, StringComparer.Ordinal);
        }
        return hash.ToHashCode();
    }

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() =>
        ((IEnumerable<KeyValuePair<string, string>>)_entries).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
