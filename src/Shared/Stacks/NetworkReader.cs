using System.Collections.Immutable;
using System.Net;
using Berth.Model;
using Berth.Model.Networks;
using Berth.Stacks.Yaml;

namespace Berth.Stacks;

/// <summary>A network of the file's top level.</summary>
/// <param name="Name">Its name in the cluster.</param>
/// <param name="Spec">What the stack makes; null for one that exists elsewhere.</param>
internal sealed record NamedNetwork(string Name, NetworkSpec? Spec);

/// <summary>Reads <c>networks</c>: those of the top level, and which of them a service is in.</summary>
internal static class NetworkReader
{
    /// <summary>The network of a stack's services that name none.</summary>
    public const string Default = "default";

    /// <summary>The networks of the top level by their names in the file; the default one is always among them.</summary>
    public static IReadOnlyDictionary<string, NamedNetwork> ReadTop(Field? section, StackContext context)
    {
        var networks = new Dictionary<string, NamedNetwork>(StringComparer.Ordinal) { [Default] = Own(context, Default, null) };
        if (section is null || section.Node.IsNull || !section.IsMap())
            return networks;
        foreach (var (key, field) in section.Entries())
        {
            if (key.Type != ScalarType.Text)
                section.Problems.Add(key.Place, field.Path, "YAML does not read this name as text", $"write it in quotes: \"{key.Text}\":");
            networks[key.Text] = ReadOne(key, field, context);
        }
        return networks;
    }

    /// <summary>Which networks a service is in, and which of its host's when it names one of these.</summary>
    /// <param name="field">The service's <c>networks</c>; null when it has none.</param>
    /// <param name="networks">Those of the top level.</param>
    /// <param name="byDefault">Whether it is in the default one when it names none.</param>
    public static (ValueList<NetworkAttachment> Networks, NetworkMode? Host) ReadService(Field? field, IReadOnlyDictionary<string, NamedNetwork> networks, bool byDefault)
    {
        if (field is null || field.Node.IsNull)
            return (byDefault ? [new NetworkAttachment { Target = networks[Default].Name }] : [], null);
        var attachments = ImmutableArray.CreateBuilder<NetworkAttachment>();
        NetworkMode? host = null;
        foreach (var (name, at, options) in Named(field))
        {
            if (!networks.TryGetValue(name, out var network))
            {
                at.Problem($"there is no network '{name}' at the top level", $"write networks: and {name}: below it, with external: true when it exists already");
                continue;
            }
            if (network.Spec is null && network.Name is "host" or "bridge" or "none")
                host = network.Name switch { "host" => NetworkMode.Host, "none" => NetworkMode.None, _ => NetworkMode.Bridge };
            else if (!attachments.Any(other => other.Target == network.Name))
                attachments.Add(Attachment(network.Name, options));
        }
        if (host is not null && attachments.Count > 0)
            field.Problem("a container in a network of its host's own is in no other", "leave out one or the other");
        // Sorted, so that a list and a mapping mean the same, as with Docker.
        return (attachments.OrderBy(attachment => attachment.Target, StringComparer.Ordinal).ToValueList(), host);
    }

    private static IEnumerable<(string Name, Field At, Field? Options)> Named(Field field)
    {
        if (field.Node is YamlList)
        {
            foreach (var item in field.Items())
            {
                if (item.NonEmptyText() is { } name)
                    yield return (name, item, null);
            }
            yield break;
        }
        if (field.Node is not YamlMap)
        {
            field.Problem($"{field.Node.Kind} is neither a list nor a mapping", "write one network a line, each after a dash");
            yield break;
        }
        foreach (var (key, value) in field.Entries())
            yield return (key.Text, value, value.Node.IsNull ? null : value);
    }

    private static NetworkAttachment Attachment(string target, Field? options)
    {
        if (options is null)
            return new NetworkAttachment { Target = target };
        Keys.Attachment.Check(options);
        IPAddress? address = null;
        if (options.Get("ipv4_address") is { } written && written.NonEmptyText() is { } text && !IPAddress.TryParse(text, out address))
            written.Problem($"'{text}' is not an IP address", "write one such as 10.130.0.10, or leave it out");
        return new NetworkAttachment { Target = target, Aliases = options.Get("aliases")?.Texts().Distinct().ToValueList() ?? [], Address = address };
    }

    private static NamedNetwork ReadOne(YamlScalar key, Field field, StackContext context)
    {
        if (field.Node.IsNull)
            return Own(context, key.Text, null);
        Keys.Network.Check(field);
        if (field.Node is not YamlMap)
            return Own(context, key.Text, null);
        var given = field.Get("name")?.NonEmptyText();
        if (IsExternal(field, out var externalName))
        {
            foreach (var other in (string[])["driver", "driver_opts", "internal", "attachable", "labels", "ipam"])
                field.Get(other)?.Problem("an external network is not made by the stack, so this has no effect", "remove it, or remove external");
            return new NamedNetwork(given ?? externalName ?? key.Text, null);
        }
        var own = Own(context, key.Text, given);
        var labels = (field.Get("labels")?.Pairs() ?? []).Aggregate(own.Spec!.Labels, (kept, pair) => kept.With(pair.Key, pair.Value ?? ""));
        return own with
        {
            Spec = own.Spec with
            {
                Labels = labels,
                Driver = ReadDriver(field.Get("driver")),
                DriverOptions = ReadOptions(field.Get("driver_opts")),
                IsInternal = field.Get("internal")?.Boolean() ?? false,
                IsAttachable = field.Get("attachable")?.Boolean() ?? false,
                Subnet = ReadSubnet(field.Get("ipam")),
            },
        };
    }

    private static NamedNetwork Own(StackContext context, string key, string? given)
    {
        var name = given ?? $"{context.StackName}_{key}";
        return new NamedNetwork(name, new NetworkSpec { Name = name, Labels = ValueMap.Of(StackLabels.Namespace, context.StackName) });
    }

    private static string ReadDriver(Field? field)
    {
        if (field?.NonEmptyText() is { } driver && driver is not (NetworkSpec.Overlay or "default"))
            field.Problem($"there is no driver '{driver}': networks of a stack reach over all nodes", "leave it out, or write overlay");
        return NetworkSpec.Overlay;
    }

    private static ValueMap ReadOptions(Field? field)
    {
        var options = ValueMap.Empty;
        foreach (var (at, name, value) in field?.Pairs() ?? [])
        {
            // Docker's own key, and the short one of Compose files.
            if (name is NetworkSpec.MtuOption or "mtu")
                options = options.With(NetworkSpec.MtuOption, value ?? "");
            else if (name == "encrypted" && value is "false")
                continue;
            else if (name == "encrypted")
                at.Problem("encryption between nodes is not there yet", "leave out encrypted, or encrypt the underlay");
            else
                at.Problem($"there is no option '{name}'", $"leave it out, or write {NetworkSpec.MtuOption}");
        }
        return options;
    }

    private static IPNetwork? ReadSubnet(Field? ipam)
    {
        if (ipam is null)
            return null;
        Keys.Ipam.Check(ipam);
        if (ipam.Get("driver")?.NonEmptyText() is { } driver && driver != Default)
            ipam.Get("driver")!.Problem($"there is no address driver '{driver}'", "leave it out, or write default");
        IPNetwork? subnet = null;
        foreach (var item in ipam.Get("config")?.Items() ?? [])
        {
            Keys.IpamConfig.Check(item);
            if (item.Get("subnet") is not { } field || field.NonEmptyText() is not { } text)
                continue;
            if (!IPNetwork.TryParse(text, out var read))
                field.Problem($"'{text}' is not a network", "write its first address and prefix, such as 10.130.0.0/20");
            else if (subnet is not null)
                field.Problem("a network has one subnet", "leave out the others");
            else
                subnet = read;
        }
        return subnet;
    }

    private static bool IsExternal(Field network, out string? name)
    {
        name = null;
        if (network.Get("external") is not { } external)
            return false;
        if (external.Node is not YamlMap)
            return external.Boolean() ?? false;
        Keys.External.Check(external);
        name = external.Get("name")?.NonEmptyText();
        return true;
    }
}
