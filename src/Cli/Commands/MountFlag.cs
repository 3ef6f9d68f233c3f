using Berth.Model;

namespace Berth.Cli.Commands;

/// <summary>Reads <c>--mount type=bind,source=/srv,target=/data,readonly</c>.</summary>
internal static class MountFlag
{
    /// <summary>Reads one mount; without a type it is a volume, as Docker has it.</summary>
    /// <exception cref="FormatException">A key is unknown or missing.</exception>
    public static Mount Parse(string text)
    {
        var mount = new Mount { Type = MountType.Volume, Target = "" };
        foreach (var part in text.Split(','))
        {
            var (key, value) = part.Split('=', 2) is [var left, var right] ? (left.Trim(), right) : (part.Trim(), null);
            mount = Set(mount, key.ToLowerInvariant(), value);
        }
        if (mount.Target.Length == 0)
            throw new FormatException("target=PATH is missing");
        if (mount.Type == MountType.Bind && mount.Source.Length == 0)
            throw new FormatException("a bind needs source=PATH");
        if (mount.Type != MountType.Tmpfs && mount.TmpfsBytes > 0)
            throw new FormatException("tmpfs-size belongs to type=tmpfs");
        return mount;
    }

    private static Mount Set(Mount mount, string key, string? value) => (key, value) switch
    {
        ("type", "volume") => mount with { Type = MountType.Volume },
        ("type", "bind") => mount with { Type = MountType.Bind },
        ("type", "tmpfs") => mount with { Type = MountType.Tmpfs },
        ("type", _) => throw new FormatException($"type '{value}' is not supported; write volume, bind or tmpfs"),
        ("source" or "src", { } source) => mount with { Source = source },
        ("target" or "dst" or "destination", { } target) => mount with { Target = target },
        ("readonly" or "ro", _) => mount with { ReadOnly = IsTrue(key, value) },
        ("volume-nocopy", _) => mount with { NoCopy = IsTrue(key, value) },
        ("volume-driver", { } driver) => mount with { Driver = driver },
        ("volume-opt", { } option) => mount with { DriverOptions = Add(mount.DriverOptions, key, option) },
        ("volume-label", { } label) => mount with { VolumeLabels = Add(mount.VolumeLabels, key, label) },
        ("tmpfs-size", { } size) => mount with { TmpfsBytes = FlagValues.Bytes(size) },
        ("bind-propagation", { } propagation) => mount with { Propagation = propagation },
        ("volume-subpath" or "tmpfs-mode" or "consistency" or "bind-nonrecursive" or "bind-recursive" or "image-subpath", _) =>
            throw new FormatException($"{key} is not supported"),
        ("source" or "src" or "target" or "dst" or "destination" or "volume-driver" or "volume-opt" or "volume-label" or "tmpfs-size"
            or "bind-propagation", null) => throw new FormatException($"{key} needs a value: {key}=VALUE"),
        _ => throw new FormatException($"'{key}' is not part of a mount; known are type, source, target, readonly, volume-driver, "
            + "volume-opt, volume-label, volume-nocopy, tmpfs-size and bind-propagation"),
    };

    private static ValueMap Add(ValueMap map, string key, string entry) =>
        entry.Split('=', 2) is [{ Length: > 0 } name, var value]
            ? map.With(name, value)
            : throw new FormatException($"{key} '{entry}': write {key}=KEY=VALUE");

    private static bool IsTrue(string key, string? value) => value switch
    {
        null or "true" or "1" => true,
        "false" or "0" => false,
        _ => throw new FormatException($"{key} '{value}': write true or false"),
    };
}
