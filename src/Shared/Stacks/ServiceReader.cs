using System.Text.RegularExpressions;
using Berth.Model;
using Berth.Stacks.Values;
using Berth.Stacks.Yaml;

namespace Berth.Stacks;

/// <summary>Reads one service.</summary>
internal static partial class ServiceReader
{
    public static ServiceSpec? Read(
        Field service, Place nameAt, string fullName, IReadOnlyDictionary<string, NamedVolume> volumes, StackContext context)
    {
        Keys.Service.Check(service);
        if (service.Get("image") is not { } imageField)
            service.Problems.Add(nameAt, service.Path, "it has no image", "write image: NAME:TAG");
        var image = service.Get("image") is { } field ? ReadImage(field) : "";
        var deploy = DeployReader.Read(service.Get("deploy"), context.Options);
        var network = ReadNetwork(service.Get("network_mode"));
        return new ServiceSpec
        {
            Name = fullName,
            Labels = deploy.Labels.With(StackLabels.Namespace, context.StackName).With(StackLabels.Image, image),
            Task = new TaskSpec
            {
                Container = ReadContainer(service, image, volumes, context),
                Resources = deploy.Resources,
                Restart = deploy.Restart,
                Placement = deploy.Placement,
                Network = network,
                Ports = PortReader.Read(service.Get("ports"), network),
            },
            Mode = deploy.Mode,
            Update = deploy.Update,
            Rollback = deploy.Rollback,
        };
    }

    private static ContainerSpec ReadContainer(
        Field service, string image, IReadOnlyDictionary<string, NamedVolume> volumes, StackContext context) => new()
        {
            Image = image,
            Command = service.Get("entrypoint")?.Command() ?? [],
            Args = service.Get("command")?.Command() ?? [],
            Env = ReadEnvironment(service.Get("environment"), context),
            Labels = ReadLabels(service.Get("labels")).With(StackLabels.Namespace, context.StackName),
            Hostname = ReadHostname(service.Get("hostname")),
            Dir = ReadDirectory(service.Get("working_dir")),
            User = service.Get("user")?.NonEmptyText(),
            StopSignal = ReadSignal(service.Get("stop_signal")),
            StopGracePeriod = service.Get("stop_grace_period")?.Duration(),
            Healthcheck = HealthcheckReader.Read(service.Get("healthcheck")),
            Mounts = MountReader.Read(service.Get("volumes"), volumes, context),
            Init = service.Get("init")?.Boolean(),
            ReadOnly = service.Get("read_only")?.Boolean() ?? false,
            Tty = service.Get("tty")?.Boolean() ?? false,
            OpenStdin = service.Get("stdin_open")?.Boolean() ?? false,
            CapAdd = Capabilities.Read(service.Get("cap_add")),
            CapDrop = Capabilities.Read(service.Get("cap_drop")),
        };

    /// <summary>Labels, sorted; a name without a value has an empty one.</summary>
    public static ValueMap ReadLabels(Field? field) =>
        ValueMap.From((field?.Pairs() ?? []).Select(pair => KeyValuePair.Create(pair.Key, pair.Value ?? "")));

    private static string ReadImage(Field field)
    {
        if (field.NonEmptyText() is not { } image)
            return "";
        if (image.Length > LongestImage || !Image().IsMatch(image))
            field.Problem($"'{image}' is not the name of an image", "write [HOST[:PORT]/]NAME[:TAG][@DIGEST], the name in lower case");
        return image;
    }

    // Sorted, so that the order in the file does not count as a change.
    private static ValueList<string> ReadEnvironment(Field? field, StackContext context)
    {
        var environment = new SortedDictionary<string, string?>(StringComparer.Ordinal);
        foreach (var (at, name, value) in field?.Pairs() ?? [])
        {
            if (name.Contains('=') || name.Contains('\0'))
                at.Problem($"'{name}' is no name for a variable", "write one without '='");
            var text = value ?? context.Variables.GetValueOrDefault(name);
            Placeholders.Refuse(at, text ?? "");
            environment[name] = text;
        }
        return environment.Select(pair => pair.Value is null ? pair.Key : $"{pair.Key}={pair.Value}").ToValueList();
    }

    private static string? ReadHostname(Field? field)
    {
        if (field?.NonEmptyText() is not { } name)
            return null;
        Placeholders.Refuse(field, name);
        if (!name.Contains("{{", StringComparison.Ordinal) && (name.Length > StackReader.LongestName || !Hostname().IsMatch(name)))
            field.Problem($"'{name}' is not a host name", "use letters, digits, - and ., at most 63");
        return name;
    }

    private static string? ReadDirectory(Field? field)
    {
        var directory = field?.NonEmptyText();
        if (directory is not (null or ['/', ..]))
            field!.Problem($"'{directory}' is not an absolute path", "begin it with /");
        return directory;
    }

    private static string? ReadSignal(Field? field)
    {
        if (field is null)
            return null;
        var signal = field.Node is YamlScalar { Type: ScalarType.Integer } number ? number.Text : field.NonEmptyText();
        if (signal is not null && !Signals.IsKnown(signal))
            field.Problem($"'{signal}' is not a signal", Signals.Nearest(signal) is { } near ? $"did you mean {near}?" : "write a name such as SIGTERM");
        return signal;
    }

    private static NetworkMode ReadNetwork(Field? field)
    {
        if (field?.Text() is not { } mode)
            return NetworkMode.Bridge;
        switch (mode)
        {
            case "bridge" or "host" or "none":
                return mode switch { "host" => NetworkMode.Host, "none" => NetworkMode.None, _ => NetworkMode.Bridge };
            case var _ when mode.StartsWith("service:", StringComparison.Ordinal) || mode.StartsWith("container:", StringComparison.Ordinal):
                field.Problem($"sharing another container's network ('{mode}') is not supported", "write host, bridge or none");
                break;
            default:
                field.Word("bridge", "host", "none");
                break;
        }
        return NetworkMode.Bridge;
    }

    private const int LongestImage = 512;

    // The grammar of distribution/reference: host and port, path components, tag, digest.
    [GeneratedRegex(@"^(?:(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?\z")]
    private static partial Regex Image();

    [GeneratedRegex(@"^[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?\z")]
    private static partial Regex Hostname();
}
