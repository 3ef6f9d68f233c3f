using System.Net;
using Berth.Model;

namespace Berth.Consul;

/// <summary>How managers stand in Consul: what one registers, and what is read from it.</summary>
public static class ConsulManagers
{
    /// <summary>Key of the cluster's id in a service's metadata.</summary>
    public const string ClusterKey = "berth-cluster";

    /// <summary>Key of the manager's node id.</summary>
    public const string NodeKey = "berth-node";

    /// <summary>Within which time a manager says that it is well; one that is lost is missing from answers after at most this and Consul's own second.</summary>
    public static readonly TimeSpan Ttl = TimeSpan.FromSeconds(10);

    /// <summary>A manager that is lost for so long is forgotten by Consul.</summary>
    public const string ForgottenAfter = "30m";

    /// <summary>The id of a manager's registration.</summary>
    public static string IdOf(NodeId node) => $"berth-{node}";

    /// <summary>What a manager registers.</summary>
    /// <param name="service">The service's name.</param>
    /// <param name="node">Its node id.</param>
    /// <param name="cluster">Its cluster.</param>
    /// <param name="hostname">Its host's name.</param>
    /// <param name="version">Its version.</param>
    /// <param name="address">Where agents dial it.</param>
    public static ConsulService Of(string service, NodeId node, ClusterId cluster, string hostname, string version, IPEndPoint address) => new()
    {
        Id = IdOf(node),
        Name = service,
        Address = address.Address.ToString(),
        Port = address.Port,
        Meta = new Dictionary<string, string>
        {
            [ClusterKey] = cluster.ToString(),
            [NodeKey] = node.ToString(),
            ["berth-hostname"] = hostname,
            ["berth-version"] = version,
        },
        Check = new ConsulCheck
        {
            Id = IdOf(node),
            Name = $"berth-manager on {hostname} says that it is well",
            Ttl = $"{(int)Ttl.TotalSeconds}s",
            DeregisterCriticalServiceAfter = ForgottenAfter,
        },
    };

    /// <summary>Addresses of managers, in order; what is no address of a manager is passed over.</summary>
    /// <param name="entries">What Consul answered.</param>
    /// <param name="cluster">Whose managers; null for any. Several clusters may share a name.</param>
    public static ValueList<Uri> Read(IEnumerable<ConsulEntry> entries, ClusterId? cluster) =>
        entries.Where(entry => IsOf(entry, cluster)).Select(Url).OfType<Uri>().Distinct().OrderBy(url => url.OriginalString, StringComparer.Ordinal).ToValueList();

    // Who registered it by other means may have said nothing of a cluster: certificates tell.
    private static bool IsOf(ConsulEntry entry, ClusterId? cluster) =>
        cluster is null || entry.Service?.Meta is not { } meta || !meta.TryGetValue(ClusterKey, out var named) || named == cluster.ToString();

    private static Uri? Url(ConsulEntry entry)
    {
        var text = string.IsNullOrEmpty(entry.Service?.Address) ? entry.Node?.Address : entry.Service.Address;
        if (string.IsNullOrEmpty(text) || entry.Service!.Port is <= 0 or > 65535)
            return null;
        if (IPAddress.TryParse(text, out var ip))
            return new Uri($"https://{new IPEndPoint(ip, entry.Service.Port)}");
        return Uri.CheckHostName(text) == UriHostNameType.Dns ? new UriBuilder(Uri.UriSchemeHttps, text, entry.Service.Port).Uri : null;
    }
}
