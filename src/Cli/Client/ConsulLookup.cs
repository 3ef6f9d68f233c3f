using Berth.Cli.Output;
using Berth.Consul;
using Berth.Model;

namespace Berth.Cli.Client;

/// <summary>Replaces addresses of Consul by those of the managers it names.</summary>
internal static class ConsulLookup
{
    /// <summary>Addresses of managers alone, in the order given. A Consul that does not answer is passed over while others name a manager.</summary>
    /// <param name="addresses">Managers, and Consuls that name some.</param>
    /// <param name="cluster">Whose managers; null for any.</param>
    /// <param name="environment">Consul's own variables.</param>
    /// <param name="time">For limits.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="UserError">Nobody is left to be asked.</exception>
    public static async Task<IReadOnlyList<ManagerAddress>> Resolve(
        IReadOnlyList<ManagerAddress> addresses, ClusterId? cluster, Func<string, string?> environment, TimeProvider time, CancellationToken cancel)
    {
        var found = new List<ManagerAddress>();
        var problems = new List<string>();
        foreach (var address in addresses)
        {
            if (!address.IsConsul)
                found.Add(address);
            else
                found.AddRange(await Ask(ConsulAddress.Parse(address.Url, environment), cluster, problems, time, cancel));
        }
        return found.Count > 0 ? [.. found.Distinct()] : throw new UserError(
            $"no manager is found through Consul:\n  {string.Join("\n  ", problems)}",
            "name a manager's address instead (https://10.0.0.1:2400), or beside it, separated by a comma", ExitCode.Unreachable);
    }

    private static async Task<IEnumerable<ManagerAddress>> Ask(ConsulAddress address, ClusterId? cluster, List<string> problems, TimeProvider time, CancellationToken cancel)
    {
        try
        {
            using var consul = new ConsulClient(address, time);
            var (_, entries) = await consul.HealthyAsync(0, cancel);
            var urls = ConsulManagers.Read(entries, cluster);
            if (urls.IsEmpty)
                problems.Add($"Consul at {address.Http} knows no manager that is well under the name '{address.Service}'{(cluster is null ? "" : $" of cluster {cluster}")}");
            return urls.Select(url => ManagerAddress.Parse(url.GetLeftPart(UriPartial.Authority), "Consul"));
        }
        catch (ConsulException error)
        {
            problems.Add(error.Message);
            return [];
        }
    }
}
