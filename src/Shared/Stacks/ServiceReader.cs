using Berth.Model;
using Berth.Model.Networks;
using Berth.Stacks.Yaml;

namespace Berth.Stacks;

/// <summary>Reads one service.</summary>
internal static class ServiceReader
{
    public static ServiceSpec? Read(
        Field service, Place nameAt, string fullName, IReadOnlyDictionary<string, NamedVolume> volumes,
        IReadOnlyDictionary<string, NamedNetwork> networks, StackContext context)
    {
        Keys.Service.Check(service);
        if (service.Get("image") is null)
            service.Problems.Add(nameAt, $"{service.Path}.image", "an image is missing", "write image: NAME:TAG");
        var image = service.Get("image")?.NonEmptyText() ?? "";
        var deploy = DeployReader.Read(service.Get("deploy"), context.Options);
        var ports = PortReader.Read(service.Get("ports"));
        var (attachments, host) = NetworkReader.ReadService(
            service.Get("networks"), networks, byDefault: context.Options.HasDefaultNetwork && service.Get("network_mode") is null);
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
                Network = service.Get("network_mode") is { } mode ? ReadNetwork(mode) : host ?? NetworkMode.Bridge,
                Networks = attachments,
                Ports = ports.Host,
            },
            Mode = deploy.Mode,
            Update = deploy.Update,
            Rollback = deploy.Rollback,
            Endpoint = deploy.IsDnsrr || !ports.Ingress.IsEmpty
                ? new EndpointSpec { Mode = deploy.IsDnsrr ? EndpointMode.Dnsrr : EndpointMode.Vip, Ports = ports.Ingress }
                : EndpointSpec.Default,
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
            Dir = service.Get("working_dir")?.NonEmptyText(),
            User = service.Get("user")?.NonEmptyText(),
            StopSignal = ReadSignal(service.Get("stop_signal")),
            StopGracePeriod = service.Get("stop_grace_period")?.Duration(),
            Healthcheck = HealthcheckReader.Read(service.Get("healthcheck")),
            Mounts = MountReader.Read(service.Get("volumes"), volumes, context),
            Init = service.Get("init")?.Boolean(),
            ReadOnly = service.Get("read_only")?.Boolean() ?? false,
            Tty = service.Get("tty")?.Boolean() ?? false,
            OpenStdin = service.Get("stdin_open")?.Boolean() ?? false,
            CapAdd = ReadCapabilities(service.Get("cap_add")),
            CapDrop = ReadCapabilities(service.Get("cap_drop")),
        };

    /// <summary>Labels, sorted; a name without a value has an empty one.</summary>
    public static ValueMap ReadLabels(Field? field) =>
        ValueMap.From((field?.Pairs() ?? []).Select(pair => KeyValuePair.Create(pair.Key, pair.Value ?? "")));

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
        return name;
    }

    // A signal may be a number, and Docker's other names for one are the same to it: no quotes are asked for.
    private static string? ReadSignal(Field? field) =>
        field?.Node is YamlScalar { Type: ScalarType.Integer } number ? number.Text : field?.NonEmptyText();

    // In upper case without CAP_, so that another spelling is no change.
    private static ValueList<string> ReadCapabilities(Field? field) =>
        (field?.Texts() ?? []).Select(name => name.ToUpperInvariant())
            .Select(name => name.StartsWith("CAP_", StringComparison.Ordinal) ? name[4..] : name).ToValueList();

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
}
