using System.Text.RegularExpressions;
using Berth.Model;
using Berth.Stacks.Yaml;

namespace Berth.Stacks;

/// <summary>A volume of the file's top level.</summary>
/// <param name="Name">The engine's name of it.</param>
/// <param name="Driver">Null for the engine's local one.</param>
/// <param name="DriverOptions">Options of the driver.</param>
/// <param name="Labels">Labels it is created with.</param>
internal sealed record NamedVolume(string Name, string? Driver, ValueMap DriverOptions, ValueMap Labels);

/// <summary>Reads <c>volumes</c> of the top level.</summary>
internal static partial class VolumeReader
{
    public static IReadOnlyDictionary<string, NamedVolume> Read(Field? section, StackContext context)
    {
        var volumes = new Dictionary<string, NamedVolume>(StringComparer.Ordinal);
        if (section is null || section.Node.IsNull || !section.IsMap())
            return volumes;
        foreach (var (key, field) in section.Entries())
        {
            if (key.Type != ScalarType.Text)
                section.Problems.Add(key.Place, field.Path, "YAML does not read this name as text", $"write it in quotes: \"{key.Text}\":");
            volumes[key.Text] = ReadOne(key, field, context);
        }
        return volumes;
    }

    private static NamedVolume ReadOne(YamlScalar key, Field field, StackContext context)
    {
        var labels = ValueMap.Of(StackLabels.Namespace, context.StackName);
        var name = $"{context.StackName}_{key.Text}";
        if (field.Node.IsNull)
            return CheckName(field, key.Place, new NamedVolume(name, null, ValueMap.Empty, labels));
        Keys.Volume.Check(field);
        if (field.Node is not YamlMap)
            return new NamedVolume(name, null, ValueMap.Empty, labels);

        var given = field.Get("name")?.NonEmptyText();
        if (IsExternal(field, out var externalName))
        {
            foreach (var other in (string[])["driver", "driver_opts", "labels"])
                field.Get(other)?.Problem("an external volume is not created by the stack, so this has no effect", "remove it, or remove external");
            return CheckName(field, key.Place, new NamedVolume(given ?? externalName ?? key.Text, null, ValueMap.Empty, ValueMap.Empty));
        }
        foreach (var (label, value) in ReadPairs(field.Get("labels")))
            labels = labels.With(label, value);
        var driver = field.Get("driver")?.NonEmptyText();
        var options = ValueMap.From(ReadPairs(field.Get("driver_opts")).Select(pair => KeyValuePair.Create(pair.Key, pair.Value)));
        return CheckName(field, key.Place, new NamedVolume(given ?? name, driver, options, labels));
    }

    private static IEnumerable<(string Key, string Value)> ReadPairs(Field? field) =>
        (field?.Pairs() ?? []).Select(pair => (pair.Key, Placeholders.Refuse(pair.At, pair.Value ?? "")));

    private static bool IsExternal(Field volume, out string? name)
    {
        name = null;
        if (volume.Get("external") is not { } external)
            return false;
        if (external.Node is not YamlMap)
            return external.Boolean() ?? false;
        Keys.External.Check(external);
        name = external.Get("name")?.NonEmptyText();
        return true;
    }

    private static NamedVolume CheckName(Field field, Place place, NamedVolume volume)
    {
        if (field.Get("name") is { } name && volume.Name.Contains("{{", StringComparison.Ordinal))
            Placeholders.Refuse(name, volume.Name);
        else if (!VolumeName().IsMatch(volume.Name))
            field.Problems.Add(place, field.Path, $"'{volume.Name}' is no name for a volume", "use letters, digits, _, . and -, at least two, beginning with a letter or digit");
        return volume;
    }

    [GeneratedRegex(@"^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}\z")]
    private static partial Regex VolumeName();
}
