using System.Collections.Immutable;
using Berth.Stacks.Yaml;

namespace Berth.Stacks;

/// <summary>Lays a later file over an earlier one by Docker's rules.</summary>
/// <remarks>Mappings are merged by key. Environment and labels are merged by name, also when written as lists; volumes by
/// target, ports by published port; commands and health checks' tests are replaced; other lists are appended. Unlike
/// Docker, a later <c>false</c>, <c>0</c> or empty text does replace an earlier value.</remarks>
internal static class FileMerge
{
    /// <summary><paramref name="earlier"/> with <paramref name="later"/> on top.</summary>
    public static YamlMap Merge(YamlMap earlier, YamlMap later) => (YamlMap)Merge(earlier, later, []);

    /// <summary>A list of <c>KEY=value</c> as the mapping it stands for; null when an item is not a scalar.</summary>
    /// <remarks>A bare <c>KEY</c> has an empty value. Of equal keys the last counts, as in Docker.</remarks>
    public static YamlMap? AsMap(YamlList list)
    {
        var entries = new List<YamlEntry>();
        foreach (var item in list.Items)
        {
            if (item is not YamlScalar { Type: not ScalarType.Null } scalar)
                return null;
            var at = scalar.Text.IndexOf('=');
            entries.Add(at < 0
                ? new YamlEntry(new YamlScalar(scalar.Place, scalar.Text), new YamlScalar(scalar.Place, "", ScalarType.Null))
                : new YamlEntry(new YamlScalar(scalar.Place, scalar.Text[..at]), new YamlScalar(scalar.Place, scalar.Text[(at + 1)..])));
        }
        entries.Reverse();
        var lastFirst = new YamlMap(list.Place, entries);
        return new YamlMap(list.Place, lastFirst.Entries.Reverse());
    }

    private static YamlNode Merge(YamlNode earlier, YamlNode later, ImmutableArray<string> path)
    {
        if (path is [.., "environment" or "labels"])
            (earlier, later) = (Normal(earlier), Normal(later));
        return (earlier, later) switch
        {
            (YamlMap left, YamlMap right) => MergeMaps(left, right, path),
            (YamlList left, YamlList right) => MergeLists(left, right, path),
            (_, { IsNull: true }) => earlier,
            _ => later,
        };
    }

    private static YamlNode Normal(YamlNode node) => node is YamlList list && AsMap(list) is { } map ? map : node;

    private static YamlMap MergeMaps(YamlMap earlier, YamlMap later, ImmutableArray<string> path)
    {
        // Environment and labels hold plain values: an empty one means something there, and it replaces.
        var isData = path is [.., "environment" or "labels" or "driver_opts"];
        var merged = earlier.Entries.Select(entry => later.Find(entry.Key.Text) is not { } over
            ? entry
            : isData ? over : new YamlEntry(over.Key, Merge(entry.Value, over.Value, path.Add(entry.Key.Text))));
        return new YamlMap(later.Place, merged.Concat(later.Entries));
    }

    private static YamlList MergeLists(YamlList earlier, YamlList later, ImmutableArray<string> path) => path switch
    {
        ["services", _, "command" or "entrypoint"] or ["services", _, "healthcheck", "test"] => later,
        ["services", _, "volumes"] => ByKey(earlier, later, VolumeTarget),
        ["services", _, "ports"] => ByKey(earlier, later, PublishedPort),
        _ => new YamlList(later.Place, earlier.Items.AddRange(later.Items)),
    };

    private static YamlList ByKey(YamlList earlier, YamlList later, Func<YamlNode, string?> key)
    {
        var replaced = later.Items.Select(key).OfType<string>().ToHashSet(StringComparer.Ordinal);
        var kept = earlier.Items.Where(item => key(item) is not { } name || !replaced.Contains(name));
        return new YamlList(later.Place, [.. kept, .. later.Items]);
    }

    private static string? VolumeTarget(YamlNode volume) => volume switch
    {
        YamlScalar scalar => scalar.Text.Split(':') is [_, var target, ..] ? target : scalar.Text,
        YamlMap map => (map.Find("target")?.Value as YamlScalar)?.Text,
        _ => null,
    };

    private static string? PublishedPort(YamlNode port) => port switch
    {
        YamlScalar scalar => scalar.Text,
        YamlMap map when map.Find("published")?.Value is YamlScalar published =>
            $"{published.Text}/{(map.Find("protocol")?.Value as YamlScalar)?.Text ?? "tcp"}",
        _ => null,
    };
}
