using System.Text.RegularExpressions;

namespace Berth.Model;

/// <summary>Rules of volumes, binds and tmpfs.</summary>
internal static partial class MountRules
{
    private static readonly string[] Propagations = ["private", "rprivate", "shared", "rshared", "slave", "rslave"];

    public static void Check(SpecProblems problems, ValueList<Mount> mounts)
    {
        var targets = new HashSet<string>(StringComparer.Ordinal);
        for (var at = 0; at < mounts.Count; at++)
        {
            var (mount, path) = (mounts[at], $"volumes[{at}]");
            Target(problems, path, mount, targets);
            problems.Known($"{path}.type", mount.Type);
            Source(problems, path, mount);
            Options(problems, path, mount);
        }
    }

    private static void Target(SpecProblems problems, string path, Mount mount, HashSet<string> targets)
    {
        var target = mount.Target.Length > 1 ? mount.Target.TrimEnd('/') : mount.Target;
        if (!target.StartsWith('/'))
            problems.Add($"{path}.target", $"the path '{mount.Target}' in the container is not absolute; begin it with '/'");
        else if (target == "/")
            problems.Add($"{path}.target", "nothing can be mounted over the container's root '/'");
        else
            problems.AddIf(!targets.Add(target), $"{path}.target", $"'{target}' is mounted twice; give each mount a target of its own");
    }

    private static void Source(SpecProblems problems, string path, Mount mount)
    {
        switch (mount.Type)
        {
            case MountType.Bind:
                problems.AddIf(!mount.Source.StartsWith('/'), $"{path}.source",
                    $"the host path '{mount.Source}' is not absolute; begin it with '/'");
                break;
            case MountType.Volume:
                problems.AddIf(mount.Source.Length > 0 && !VolumeName().IsMatch(mount.Source), $"{path}.source",
                    $"'{mount.Source}' is not a volume's name; begin with a letter or digit and use only letters, digits, '_', '.' and '-'");
                break;
            case MountType.Tmpfs:
                problems.AddIf(mount.Source.Length > 0, $"{path}.source", $"a tmpfs has no source, yet '{mount.Source}' is given");
                break;
        }
    }

    private static void Options(SpecProblems problems, string path, Mount mount)
    {
        var isVolume = mount.Type == MountType.Volume;
        problems.AddIf(!isVolume && (mount.Driver is not null || mount.DriverOptions.Count > 0 || mount.VolumeLabels.Count > 0 || mount.NoCopy),
            $"{path}.volume", "driver, options, labels and nocopy are for volumes only");
        problems.AddIf(isVolume && mount.Source.Length == 0 && mount.Driver is not null, $"{path}.volume.driver",
            "a volume with a driver needs a name");
        problems.NotNegative($"{path}.tmpfs.size", mount.TmpfsBytes);
        problems.AddIf(mount.Type != MountType.Tmpfs && mount.TmpfsBytes > 0, $"{path}.tmpfs", "a size is for tmpfs only");
        problems.AddIf(mount.Type != MountType.Bind && mount.Propagation is not null, $"{path}.bind", "propagation is for binds only");
        problems.AddIf(mount is { Type: MountType.Bind, Propagation: { } mode } && !Propagations.Contains(mode), $"{path}.bind.propagation",
            $"'{mount.Propagation}' is not a propagation; known are {string.Join(", ", Propagations)}");
    }

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9_.-]*\z", RegexOptions.CultureInvariant)]
    private static partial Regex VolumeName();
}
