using System.Text.Json;

namespace Berth.Cli.Lab;

/// <summary>Asks the lab's managers, through this same program, which hosts have become ready nodes.</summary>
internal static class ReadyNodes
{
    /// <returns>What is still missing, for people; empty when every host is a ready node.</returns>
    public static async Task<string> MissingAsync(LabRecord lab, CancellationToken cancel)
    {
        if (!lab.Numbers.Any(number => File.Exists(lab.ManagerSocket(number))))
            return "no manager has opened its socket";
        var (exitCode, output, error) = await Tool.ReadAsync(Environment.ProcessPath!, ["node", "ls", "--format", "json", "--host", lab.ManagerHosts],
            new Dictionary<string, string>(), "", cancel);
        if (exitCode != 0)
            return error.Trim();
        var ready = Ready(output);
        return string.Join(", ", lab.Numbers.Select(lab.HostName).Where(name => !ready.Contains(name)).Select(name => name + " is not ready"));
    }

    /// <summary>Host names of the ready nodes in the output of <c>berth node ls --format json</c>.</summary>
    internal static IReadOnlySet<string> Ready(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.EnumerateArray()
            .Where(node => string.Equals(Text(node, "status") ?? Text(node, "state"), "ready", StringComparison.OrdinalIgnoreCase))
            .Select(node => Text(node, "hostname")).OfType<string>().ToHashSet();
    }

    private static string? Text(JsonElement node, string name) => node.EnumerateObject()
        .Where(property => string.Equals(property.Name, name, StringComparison.OrdinalIgnoreCase) && property.Value.ValueKind == JsonValueKind.String)
        .Select(property => property.Value.GetString()).FirstOrDefault();
}
