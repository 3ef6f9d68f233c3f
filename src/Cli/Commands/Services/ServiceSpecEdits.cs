using Berth.Model;
using Berth.Model.Networks;

namespace Berth.Cli.Commands.Services;

/// <summary>Changes to a spec as <c>service update</c> asks for them: pure, so that each has its test. What is added takes the
/// place of what has the same key; removing what is not there changes nothing, as with Docker.</summary>
internal static class ServiceSpecEdits
{
    /// <summary>The spec with another task.</summary>
    public static ServiceSpec WithTask(this ServiceSpec spec, Func<TaskSpec, TaskSpec> edit) => spec with { Task = edit(spec.Task) };

    /// <summary>The spec with another container.</summary>
    public static ServiceSpec WithContainer(this ServiceSpec spec, Func<ContainerSpec, ContainerSpec> edit) =>
        spec.WithTask(task => task with { Container = edit(task.Container) });

    /// <summary>Environment: the key is what stands before <c>=</c>.</summary>
    public static ValueList<string> Env(ValueList<string> current, IEnumerable<string> add, IEnumerable<string> remove) =>
        Merge(current, add, remove, entry => entry.Split('=', 2)[0]);

    /// <summary>Labels.</summary>
    public static ValueMap Labels(ValueMap current, IEnumerable<KeyValuePair<string, string>> add, IEnumerable<string> remove)
    {
        var gone = remove.ToHashSet(StringComparer.Ordinal);
        return ValueMap.From(current.Where(label => !gone.Contains(label.Key)).Concat(add));
    }

    /// <summary>Constraints: the key is the whole of it, however it is spaced.</summary>
    public static ValueList<Constraint> Constraints(ValueList<Constraint> current, IEnumerable<Constraint> add, IEnumerable<Constraint> remove) =>
        Merge(current, add, remove.Select(constraint => constraint.ToString()), constraint => constraint.ToString());

    /// <summary>Spread preferences, in their order.</summary>
    public static ValueList<string> Spread(ValueList<string> current, IEnumerable<string> add, IEnumerable<string> remove) =>
        Merge(current, add, remove, key => key);

    /// <summary>Mounts: the key is the path in the container.</summary>
    public static ValueList<Mount> Mounts(ValueList<Mount> current, IEnumerable<Mount> add, IEnumerable<string> removeTargets) =>
        Merge(current, add, removeTargets, mount => mount.Target);

    /// <summary>Ports: removed by the container's port and protocol; one container port may be published twice.</summary>
    public static ValueList<PortConfig> Ports(ValueList<PortConfig> current, IEnumerable<PortConfig> add, IEnumerable<PortConfig> remove)
    {
        var gone = remove.Select(port => (port.Target, port.Protocol)).ToHashSet();
        return current.Where(port => !gone.Contains((port.Target, port.Protocol))).Concat(add).Distinct().ToValueList();
    }

    /// <summary>Mode and ports of every node, which are removed as <see cref="Ports"/> are.</summary>
    public static EndpointSpec Endpoint(EndpointSpec current, EndpointMode? mode, IEnumerable<PortConfig> add, IEnumerable<PortConfig> remove)
    {
        var gone = remove.Select(port => (port.Target, port.Protocol)).ToHashSet();
        var ports = current.Ports.Where(port => !gone.Contains((port.Target, port.Protocol)))
            .Concat(add.Select(port => new PublishedPort("", port.Protocol, port.Target, port.Published))).Distinct().ToValueList();
        return new EndpointSpec { Mode = mode ?? current.Mode, Ports = ports };
    }

    /// <summary>Networks: <paramref name="set"/> replaces all of them; a network of the host's own replaces those of the cluster, and the other way round.</summary>
    /// <param name="spec">What it is applied to.</param>
    /// <param name="set">All there are to be; empty leaves them.</param>
    /// <param name="add">More of them; one that is there already is replaced.</param>
    /// <param name="remove">Names or ids.</param>
    /// <param name="idOf">The id of a network by what people write; itself where it is not known.</param>
    public static ServiceSpec Networks(ServiceSpec spec, IReadOnlyCollection<NetworkFlag> set, IReadOnlyCollection<NetworkFlag> add, IReadOnlyCollection<string> remove, Func<string, string> idOf)
    {
        if (set.Count + add.Count + remove.Count == 0)
            return spec;
        var gone = remove.SelectMany(name => new[] { name, idOf(name) }).ToHashSet(StringComparer.Ordinal);
        var networks = set.Count > 0 ? [] : spec.Task.Networks.Where(attachment => !gone.Contains(attachment.Target)).ToList();
        NetworkMode? host = null;
        foreach (var flag in set.Concat(add))
        {
            if (flag.Host is { } own)
                host = own;
            else
                networks = [.. networks.Where(other => other.Target != flag.Attachment.Target && other.Target != idOf(flag.Attachment.Target)), flag.Attachment];
        }
        if (host is not null && set.Concat(add).All(flag => flag.Host is not null))
            networks = [];
        return spec.WithTask(task => task with { Network = host ?? (networks.Count > 0 ? NetworkMode.Bridge : task.Network), Networks = networks.ToValueList() });
    }

    /// <summary>Capabilities: one that is added is no longer dropped, and one that is dropped no longer added.</summary>
    public static ContainerSpec Capabilities(ContainerSpec container, IEnumerable<string> add, IEnumerable<string> drop)
    {
        string[] added = [.. add.Select(Capability)], dropped = [.. drop.Select(Capability)];
        return container with
        {
            CapAdd = Merge(container.CapAdd, added, dropped, Capability),
            CapDrop = Merge(container.CapDrop, dropped, added, Capability),
        };
    }

    /// <summary>Replicas of a replicated service.</summary>
    /// <exception cref="FormatException">The service is global.</exception>
    public static ServiceSpec WithReplicas(this ServiceSpec spec, int replicas) => spec.Mode is ServiceMode.Replicated
        ? spec with { Mode = new ServiceMode.Replicated(replicas) }
        : throw new FormatException($"service '{spec.Name}' is global: it has one task on each node, so replicas cannot be set");

    private static string Capability(string name)
    {
        var upper = name.ToUpperInvariant();
        return upper.StartsWith("CAP_", StringComparison.Ordinal) ? upper["CAP_".Length..] : upper;
    }

    // What is replaced keeps its place, so that an order people chose stays.
    private static ValueList<T> Merge<T>(ValueList<T> current, IEnumerable<T> add, IEnumerable<string> remove, Func<T, string> key)
    {
        var gone = remove.ToHashSet(StringComparer.Ordinal);
        var merged = current.Where(item => !gone.Contains(key(item))).ToList();
        foreach (var item in add)
        {
            var at = merged.FindIndex(other => key(other) == key(item));
            if (at >= 0)
                merged[at] = item;
            else
                merged.Add(item);
        }
        return merged.ToValueList();
    }
}
