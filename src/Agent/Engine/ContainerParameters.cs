using System.Globalization;
using Berth.Model;
using Api = Docker.DotNet.Models;

namespace Berth.Agent.Engine;

/// <summary>Turns a task's spec into what Docker's create call takes. Pure.</summary>
/// <remarks>What a spec leaves open is null, which the library leaves out of the call although its types do not say so.</remarks>
internal static class ContainerParameters
{
    /// <summary>The create call's body and query.</summary>
    public static Api.CreateContainerParameters From(ContainerRequest request)
    {
        var spec = request.Spec;
        var container = spec.Container;
        var bridged = request.Networking is null && spec.Network == NetworkMode.Bridge;
        return new Api.CreateContainerParameters
        {
            Name = request.Name,
            Image = container.Image,
            Entrypoint = container.Command.IsEmpty ? null! : [.. container.Command],
            Cmd = container.Args.IsEmpty ? null! : [.. container.Args],
            Env = [.. container.Env],
            Labels = new Dictionary<string, string>(request.Labels),
            Hostname = (container.Hostname ?? request.Networking?.Hostname)!,
            WorkingDir = container.Dir!,
            User = container.User!,
            StopSignal = container.StopSignal!,
            StopTimeout = container.StopGracePeriod,
            Healthcheck = container.Healthcheck is { } check ? HealthcheckOf(check) : null!,
            Tty = container.Tty,
            OpenStdin = container.OpenStdin,
            ExposedPorts = bridged ? spec.Ports.Select(PortKey).Distinct().ToDictionary(port => port, _ => default(Api.EmptyStruct)) : null!,
            HostConfig = Networked(HostOf(spec), request),
        };
    }

    private static Api.HostConfig HostOf(TaskSpec spec)
    {
        var container = spec.Container;
        var limits = spec.Resources.Limits;
        return new Api.HostConfig
        {
            NetworkMode = spec.Network switch { NetworkMode.Host => "host", NetworkMode.None => "none", _ => "bridge" },
            PortBindings = spec.Network == NetworkMode.Bridge ? Bindings(spec.Ports) : null!,
            Mounts = container.Mounts.Select(MountOf).ToList(),
            Init = container.Init,
            ReadonlyRootfs = container.ReadOnly,
            CapAdd = [.. container.CapAdd],
            CapDrop = [.. container.CapDrop],
            NanoCPUs = limits.NanoCpus,
            Memory = limits.MemoryBytes,
            PidsLimit = limits.Pids == 0 ? null : limits.Pids,
        };
    }

    // "Host" is what the runtime replaces by the agent's namespace; with any other network the engine would make one itself.
    private static Api.HostConfig Networked(Api.HostConfig host, ContainerRequest request)
    {
        if (request.Networking is not { } networking)
            return host;
        host.NetworkMode = "host";
        host.Runtime = networking.Runtime;
        host.PortBindings = null!;
        host.DNS = [networking.Resolver.ToString()];
        host.DNSOptions = ["ndots:0"];
        host.ExtraHosts = [$"{request.Spec.Container.Hostname ?? networking.Hostname}:{networking.Address}"];
        return host;
    }

    private static Api.HealthcheckConfig HealthcheckOf(Healthcheck check) => new()
    {
        Test = check.Test.IsEmpty ? null! : [.. check.Test],
        Interval = check.Interval,
        Timeout = check.Timeout,
        StartPeriod = check.StartPeriod,
        Retries = check.Retries == 0 ? null : check.Retries,
    };

    private static Dictionary<string, IList<Api.PortBinding>> Bindings(ValueList<PortConfig> ports) =>
        ports.GroupBy(PortKey).ToDictionary(
            group => group.Key,
            IList<Api.PortBinding> (group) =>
                [.. group.Select(port => new Api.PortBinding
                {
                    HostPort = port.Published == 0 ? "" : port.Published.ToString(CultureInfo.InvariantCulture),
                })]);

    private static string PortKey(PortConfig port)
    {
        var protocol = port.Protocol switch { PortProtocol.Udp => "udp", PortProtocol.Sctp => "sctp", _ => "tcp" };
        return string.Create(CultureInfo.InvariantCulture, $"{port.Target}/{protocol}");
    }

    private static Api.Mount MountOf(Mount mount) => new()
    {
        Type = mount.Type switch { MountType.Bind => "bind", MountType.Tmpfs => "tmpfs", _ => "volume" },
        Source = mount.Source.Length == 0 ? null! : mount.Source,
        Target = mount.Target,
        ReadOnly = mount.ReadOnly,
        BindOptions = mount is { Type: MountType.Bind, Propagation: { } propagation }
            ? new Api.BindOptions { Propagation = propagation }
            : null,
        VolumeOptions = mount.Type == MountType.Volume ? VolumeOf(mount) : null,
        TmpfsOptions = mount is { Type: MountType.Tmpfs, TmpfsBytes: > 0 } ? new Api.TmpfsOptions { SizeBytes = mount.TmpfsBytes } : null,
    };

    // The engine makes a volume that does not exist yet from these, so creating a container needs no extra call.
    private static Api.VolumeOptions VolumeOf(Mount mount) => new()
    {
        NoCopy = mount.NoCopy,
        Labels = new Dictionary<string, string>(mount.VolumeLabels),
        DriverConfig = mount.Driver is null && mount.DriverOptions.Count == 0
            ? null
            : new Api.Driver { Name = mount.Driver ?? "local", Options = new Dictionary<string, string>(mount.DriverOptions) },
    };
}
