using System.Text.RegularExpressions;
using Berth.Model;
using Berth.Model.Networks;
using Berth.Stacks.Yaml;

namespace Berth.Stacks;

/// <summary>The merged tree → a stack's spec.</summary>
internal static partial class StackReader
{
    /// <summary>Reads the whole file; what is wrong is noted, and the spec then incomplete.</summary>
    public static StackSpec Read(Field root, StackContext context)
    {
        Keys.Top.Check(root);
        CheckVersion(root);
        var volumes = VolumeReader.Read(root.Get("volumes"), context);
        var networks = NetworkReader.ReadTop(root.Get("networks"), context);
        var services = new List<ServiceSpec>();
        if (root.Get("services") is not { } section)
            root.Problem(root.Get("version") is null && root.Node is YamlMap { Entries: [{ Value: YamlMap }, ..] }
                ? "there is no key 'services'; files of Compose's version 1 begin without it" : "there is no key 'services'", "write services: and each service below it");
        else if (section.IsMap())
        {
            foreach (var (key, value) in section.Entries())
            {
                if (ReadService(key, value, volumes, networks, context) is { } service)
                    services.Add(service);
            }
            if (section.Node is YamlMap { Entries.IsEmpty: true })
                section.Problem("it names no service", "add one; to remove a stack, run: berth stack rm NAME");
        }
        // Only what a service is in is made, as with Docker.
        var used = services.SelectMany(service => service.Task.Networks).Select(attachment => attachment.Target).ToHashSet(StringComparer.Ordinal);
        var spec = new StackSpec
        {
            Name = context.StackName,
            Services = services.ToValueList(),
            Networks = networks.Values.Select(network => network.Spec).OfType<NetworkSpec>().Where(network => used.Contains(network.Name))
                .OrderBy(network => network.Name, StringComparer.Ordinal).ToValueList(),
        };
        SpecChecks.Apply(spec, root);
        return spec;
    }

    private static ServiceSpec? ReadService(
        YamlScalar key, Field service, IReadOnlyDictionary<string, NamedVolume> volumes, IReadOnlyDictionary<string, NamedNetwork> networks, StackContext context)
    {
        var name = $"{context.StackName}_{key.Text}";
        if (key.Type != ScalarType.Text)
            service.Problems.Add(key.Place, service.Path, "YAML does not read this name as text", $"write it in quotes: \"{key.Text}\":");
        else if ((SpecRules.NameProblem(key.Text) ?? SpecRules.NameProblem(name)) is { } problem)
        {
            var (message, next) = SpecChecks.Parted(problem);
            service.Problems.Add(key.Place, $"{service.Path}.name", message, next);
        }
        return service.IsMap() ? ServiceReader.Read(service, key.Place, name, volumes, networks, context) : null;
    }

    // The version changes nothing: every key of 3.13 is read, whichever is named. A file for another format is still refused.
    private static void CheckVersion(Field root)
    {
        if (root.Get("version") is not { } version)
            return;
        if (version.Node is not YamlScalar { Type: ScalarType.Text } scalar)
            version.Problem($"{version.Node.Kind} is not a text", "write it in quotes, such as \"3.8\", or remove it");
        else if (!Version().IsMatch(scalar.Text))
            version.Problem($"'{scalar.Text}' is not a version of stack files, which are 3 and 3.0 to 3.13", "write \"3.8\", or remove it");
    }

    [GeneratedRegex(@"^3(\.([0-9]|1[0-3]))?\z")]
    private static partial Regex Version();
}
