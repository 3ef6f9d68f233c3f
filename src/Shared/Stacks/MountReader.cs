using Berth.Model;
using Berth.Stacks.Yaml;

namespace Berth.Stacks;

/// <summary>Reads a service's volumes, short and long.</summary>
internal static class MountReader
{
    private static readonly string[] Types = ["volume", "bind", "tmpfs"];
    private static readonly string[] Propagations = ["rprivate", "private", "rshared", "shared", "rslave", "slave"];

    public static ValueList<Mount> Read(Field? field, IReadOnlyDictionary<string, NamedVolume> volumes, StackContext context)
    {
        var mounts = new List<Mount>();
        foreach (var item in field?.Items() ?? [])
        {
            var mount = item.Node is YamlMap ? ReadLong(item, volumes, context) : ReadShort(item, volumes, context);
            if (mount is not null)
                mounts.Add(mount);
        }
        return mounts.ToValueList();
    }

    private static Mount? ReadShort(Field item, IReadOnlyDictionary<string, NamedVolume> volumes, StackContext context)
    {
        if (item.NonEmptyText() is not { } text)
            return null;
        var parts = text.Split(':');
        if (parts.Length > 3 || parts.Any(part => part.Length == 0))
        {
            item.Problem($"'{text}' is not a volume", "write [SOURCE:]TARGET[:OPTIONS], such as data:/var/lib/data:ro");
            return null;
        }
        var (source, target) = parts.Length == 1 ? ("", parts[0]) : (parts[0], parts[1]);
        var mount = new Mount { Type = IsPath(source) ? MountType.Bind : MountType.Volume, Source = source, Target = target };
        foreach (var option in parts is [_, _, var options] ? options.Split(',') : [])
            mount = Apply(item, mount, option);
        return Complete(item, item, mount, volumes, context);
    }

    private static Mount Apply(Field item, Mount mount, string option)
    {
        switch (option)
        {
            case "ro":
                return mount with { ReadOnly = true };
            case "rw":
                return mount with { ReadOnly = false };
            case "nocopy" when mount.Type == MountType.Volume:
                return mount with { NoCopy = true };
            case "z" or "Z" or "cached" or "delegated" or "consistent":
                item.Problem($"the option '{option}': Docker Swarm ignores it silently", "remove it");
                return mount;
            case var _ when Propagations.Contains(option) && mount.Type == MountType.Bind:
                return mount with { Propagation = option };
            default:
                item.Problem($"there is no option '{option}' for this kind of volume", "use ro or rw, nocopy for a named volume, or a propagation such as rslave for a bind");
                return mount;
        }
    }

    private static Mount? ReadLong(Field item, IReadOnlyDictionary<string, NamedVolume> volumes, StackContext context)
    {
        Keys.Mount.Check(item);
        if (item.Get("type") is not { } typeField)
        {
            item.Problem("it has no type", "write type: volume, bind or tmpfs");
            return null;
        }
        if (typeField.Node is YamlScalar { Text: "npipe" or "cluster" or "image" } known)
            typeField.Problem($"mounts of type {known.Text} are not supported", "write volume, bind or tmpfs");
        else if (typeField.Word(Types) is { } type)
            return ReadTyped(item, type, volumes, context);
        return null;
    }

    private static Mount? ReadTyped(Field item, string type, IReadOnlyDictionary<string, NamedVolume> volumes, StackContext context)
    {
        if (item.Get("target") is null)
            item.Problem("it has no target", "write target: and the path in the container");
        if (item.Get("target")?.NonEmptyText() is not { } target)
            return null;
        foreach (var other in Types.Where(key => key != type))
            item.Get(other)?.Problem($"'{other}' does not apply to a mount of type {type}", "remove it");
        Check(item.Get("bind"), Keys.MountBind);
        Check(item.Get("volume"), Keys.MountVolume);
        Check(item.Get("tmpfs"), Keys.MountTmpfs);

        var mount = new Mount
        {
            Type = type switch { "bind" => MountType.Bind, "tmpfs" => MountType.Tmpfs, _ => MountType.Volume },
            Source = item.Get("source")?.Text() ?? "",
            Target = target,
            ReadOnly = item.Get("read_only")?.Boolean() ?? false,
            Propagation = item.Get("bind")?.Get("propagation")?.Word(Propagations),
            NoCopy = item.Get("volume")?.Get("nocopy")?.Boolean() ?? false,
            TmpfsBytes = item.Get("tmpfs")?.Get("size")?.Bytes() ?? 0,
        };
        return Complete(item, item.Get("source") ?? item, mount, volumes, context);
    }

    private static void Check(Field? field, KeyTable keys)
    {
        if (field is not null)
            keys.Check(field);
    }

    // What short and long have in common: what the source stands for.
    private static Mount? Complete(Field item, Field sourceAt, Mount mount, IReadOnlyDictionary<string, NamedVolume> volumes, StackContext context)
    {
        var targetAt = item.Get("target") ?? item;
        Placeholders.Refuse(targetAt, mount.Target);
        switch (mount.Type)
        {
            case MountType.Bind:
                return CompleteBind(sourceAt, mount, context);
            case MountType.Volume when mount.Source.Length > 0:
                return CompleteVolume(sourceAt, mount, volumes);
            default:
                return mount;
        }
    }

    private static Mount CompleteVolume(Field sourceAt, Mount mount, IReadOnlyDictionary<string, NamedVolume> volumes)
    {
        if (volumes.TryGetValue(mount.Source, out var volume))
            return mount with { Source = volume.Name, Driver = volume.Driver, DriverOptions = volume.DriverOptions, VolumeLabels = volume.Labels };
        sourceAt.Problem($"there is no volume '{mount.Source}' at the top level",
            IsPath(mount.Source) ? "write type: bind for a path" : $"write volumes: and {mount.Source}: below it, at the top level");
        return mount;
    }

    private static Mount CompleteBind(Field sourceAt, Mount mount, StackContext context)
    {
        if (mount.Source.Length == 0)
        {
            sourceAt.Problem("a bind has no source", "write source: and the path on the node");
            return mount;
        }
        Placeholders.Refuse(sourceAt, mount.Source);
        if (Absolute(mount.Source, sourceAt.Node.Place, context) is { } absolute)
            return mount with { Source = absolute };
        sourceAt.Problem($"'{mount.Source}' cannot be resolved", "write the absolute path");
        return mount;
    }

    /// <summary>The path on the node that a bind's source stands for; null for a home directory that nobody knows.</summary>
    public static string? Absolute(string source, Place written, StackContext context) => source switch
    {
        ['/', ..] => Normal(source),
        ['~', .. var rest] => rest is "" or ['/', ..] && context.Variables.TryGetValue("HOME", out var home) ? Normal(home + rest) : null,
        _ => Normal($"{context.Directories[written.File]}/{source}"),
    };

    /// <summary>Whether the source of a short volume is a path, and no volume's name.</summary>
    public static bool IsPath(string source) => source is ['/' or '.' or '~', ..];

    // Folds '.', '..' and '//' as text: the path is the nodes', and this machine's links say nothing about theirs.
    private static string Normal(string path)
    {
        var parts = new List<string>();
        foreach (var part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == ".." && parts.Count > 0)
                parts.RemoveAt(parts.Count - 1);
            else if (part is not ("." or ".."))
                parts.Add(part);
        }
        return "/" + string.Join('/', parts);
    }
}
