using System.Collections.Frozen;
using Berth.Stacks.Values;
using Berth.Stacks.Yaml;

namespace Berth.Stacks;

/// <summary>Why a key that Compose files may have is refused, and what to do instead.</summary>
internal sealed record Refusal(string Why, string Next);

/// <summary>The keys of one kind of mapping: those that are read, and those that are refused with a reason. A key in
/// neither is a mistake. Nothing is ignored silently but <c>x-…</c>, which is there to be ignored.</summary>
internal sealed class KeyTable(string[] read, Dictionary<string, Refusal> refused)
{
    private readonly FrozenSet<string> _read = read.ToFrozenSet();
    private readonly FrozenDictionary<string, Refusal> _refused = refused.ToFrozenDictionary();

    /// <summary>Notes every key of <paramref name="map"/> that is not read.</summary>
    public void Check(Field map)
    {
        foreach (var (key, value) in map.Entries())
        {
            if (_read.Contains(key.Text))
                continue;
            if (_refused.TryGetValue(key.Text, out var refusal))
                map.Problems.Add(key.Place, value.Path, refusal.Why, refusal.Next);
            else if (!key.Text.StartsWith("x-", StringComparison.Ordinal))
                map.Problems.Add(key.Place, value.Path, $"there is no key '{Shown(key.Text)}' here", Suggestion(key));
        }
    }

    private string Suggestion(YamlScalar key)
    {
        if (Nearest.To(key.Text, _read) is { } near)
            return $"did you mean {near}?";
        if (Nearest.To(key.Text, _refused.Keys) is { } known)
            return $"did you mean {known}? ({_refused[known].Why})";
        return "remove it; known here are " + string.Join(", ", _read.Order(StringComparer.Ordinal));
    }

    private static string Shown(string key) => key.Length > 60 ? key[..57] + "..." : key;
}
