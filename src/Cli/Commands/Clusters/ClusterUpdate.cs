using System.CommandLine;
using Berth.Cli.Client;
using Berth.Cli.Output;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Clusters;

/// <summary><c>berth cluster update</c>.</summary>
internal static class ClusterUpdate
{
    /// <summary>The command.</summary>
    public static Command Build(CommandContext context)
    {
        var autolock = Flag.Choice("--autolock", "Whether a restarted manager waits for its unlock key", ("true", true), ("false", false));
        var expiry = Flag.Value("--cert-expiry", "duration", "How long certificates of nodes are valid, such as 2160h", FlagValues.Duration);
        var external = Flag.Text("--external-ca", "url", "An external authority that signs in place of the cluster's own; '' for none");
        var pool = Flag.Text("--network-pool", "subnet", "Where networks come from, such as 10.128.0.0/10");
        var size = Flag.Value("--network-size", "prefix", "Prefix of networks that are not asked a subnet for, such as 20", FlagValues.Count);
        return new BerthCommand("update", "Update the cluster", "berth cluster update --autolock true", "berth cluster update --cert-expiry 720h", "berth cluster update --network-pool 10.64.0.0/12 --network-size 22")
            .With(autolock, expiry, external, pool, size)
            .Does(context, async (parse, client, cancel) =>
            {
                var request = Request(parse.GetValue(autolock), parse.GetValue(expiry), parse.GetValue(external), parse.GetValue(pool), parse.GetValue(size));
                await client.Administer("update the cluster", (admin, call) => admin.UpdateClusterAsync(request, call), cancel);
                context.Terminal.Note("Cluster updated.");
                if (request is { HasAutolock: true, Autolock: true })
                    await ClusterLock.Print(context, client, cancel);
                return ExitCode.Done;
            });
    }

    /// <summary>The request; what no flag names stays as it is.</summary>
    /// <exception cref="UserError">No flag says what to change.</exception>
    public static UpdateClusterRequest Request(bool? autolock, TimeSpan? expiry, string? external, string? pool = null, int? size = null)
    {
        var request = new UpdateClusterRequest();
        if (autolock is { } locks)
            request.Autolock = locks;
        if (expiry is { } validity)
            request.CertificateValidityNs = validity.Ticks * 100;
        if (external is not null)
            request.ExternalAuthority = external;
        if (pool is not null)
            request.NetworkPool = pool;
        if (size is { } prefix)
            request.NetworkSize = prefix;
        return request.HasNetworkPool || request.HasNetworkSize || request.HasAutolock || request.HasCertificateValidityNs || request.HasExternalAuthority
            ? request
            : throw UserError.Usage("nothing to change", "give --autolock, --cert-expiry, --external-ca, --network-pool or --network-size");
    }
}
