using System.Threading.Channels;
using Berth.Manager.Identity;
using Berth.Manager.Store;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Access;

/// <summary>Reads the audit logs of all managers to administrators, as one.</summary>
internal sealed class AuditCalls(AuditReader reader, IClusterView view, OwnNode own, TimeProvider time, PeerChannels? peers = null) : V1.ClusterAdmin.ClusterAdminBase
{
    // A manager that is away must not keep the others' lines back.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private const int MostWaiting = 1_000;
    private const int MostSeen = 5_000;

    public override async Task ReadAudit(V1.ReadAuditRequest request, IServerStreamWriter<V1.AuditEntry> responseStream, ServerCallContext context)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
        var lines = Channel.CreateBounded<V1.AuditEntry>(MostWaiting);
        // Before what was written until now is read: each line comes from one of the two, and what comes from both is told once.
        var following = request.Follow ? FollowAllAsync(lines.Writer, ending.Token) : Task.CompletedTask;
        try
        {
            var seen = new HashSet<V1.AuditEntry>();
            foreach (var entry in await ReadAllAsync(request.Tail, ending.Token))
            {
                await responseStream.WriteAsync(entry, ending.Token);
                seen.Add(entry);
            }
            if (!request.Follow)
                return;
            await foreach (var entry in lines.Reader.ReadAllAsync(ending.Token))
            {
                if (seen.Count > MostSeen)
                    seen.Clear();
                if (!seen.Remove(entry))
                    await responseStream.WriteAsync(entry, ending.Token);
            }
        }
        finally
        {
            await ending.CancelAsync();
            await following.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<List<V1.AuditEntry>> ReadAllAsync(int tail, CancellationToken cancellation)
    {
        var logs = await Task.WhenAll(Others().Select(manager => ReadOtherAsync(manager, tail, cancellation)).Prepend(ReadOwnAsync(tail, cancellation)));
        var merged = logs.SelectMany(log => log).OrderBy(entry => entry.At.ToDateTimeOffset()).ToList();
        return tail > 0 && merged.Count > tail ? merged[^tail..] : merged;
    }

    private async Task<List<V1.AuditEntry>> ReadOwnAsync(int tail, CancellationToken cancellation)
    {
        var entries = new List<V1.AuditEntry>();
        await reader.ReadAsync(new V1.ReadAuditRequest { Tail = tail }, (entry, _) =>
        {
            entries.Add(entry);
            return Task.CompletedTask;
        }, cancellation);
        return entries;
    }

    private async Task<List<V1.AuditEntry>> ReadOtherAsync((string Name, string Url) manager, int tail, CancellationToken cancellation)
    {
        var entries = new List<V1.AuditEntry>();
        try
        {
            using var channel = peers!.Dial(manager.Url);
            using var call = new V1.AuditExchange.AuditExchangeClient(channel).Read(
                new V1.ReadAuditRequest { Tail = tail }, deadline: (time.GetUtcNow() + Patience).UtcDateTime, cancellationToken: cancellation);
            await foreach (var entry in call.ResponseStream.ReadAllAsync(cancellation))
                entries.Add(entry);
        }
        catch (RpcException error) when (!cancellation.IsCancellationRequested)
        {
            entries.Add(Missing(manager.Name, error.Status.Detail));
        }
        return entries;
    }

    private async Task FollowAllAsync(ChannelWriter<V1.AuditEntry> lines, CancellationToken cancellation)
    {
        Exception? failure = null;
        try
        {
            var all = Others().Select(manager => FollowOtherAsync(manager, lines, cancellation))
                .Append(reader.ReadAsync(new V1.ReadAuditRequest { Tail = 1, Follow = true }, (entry, stop) => lines.WriteAsync(entry, stop).AsTask(), cancellation));
            await Task.WhenAll(all);
        }
        catch (Exception error)
        {
            // Whoever reads the lines gets it.
            failure = error;
        }
        lines.TryComplete(failure);
    }

    private async Task FollowOtherAsync((string Name, string Url) manager, ChannelWriter<V1.AuditEntry> lines, CancellationToken cancellation)
    {
        try
        {
            using var channel = peers!.Dial(manager.Url);
            using var call = new V1.AuditExchange.AuditExchangeClient(channel).Read(
                new V1.ReadAuditRequest { Tail = 1, Follow = true }, cancellationToken: cancellation);
            await foreach (var entry in call.ResponseStream.ReadAllAsync(cancellation))
                await lines.WriteAsync(entry, cancellation);
        }
        catch (RpcException error) when (!cancellation.IsCancellationRequested)
        {
            await lines.WriteAsync(Missing(manager.Name, error.Status.Detail), cancellation);
        }
    }

    private IEnumerable<(string Name, string Url)> Others()
    {
        var state = view.Current;
        return ManagerEndpoints.Of(state).Where(manager => manager.Node != own.Id)
            .Select(manager => (state.Nodes.TryGetValue(manager.Node, out var node) ? node.Description.Hostname : manager.Node.ToString(), manager.Url));
    }

    private V1.AuditEntry Missing(string manager, string why) => new()
    {
        At = time.GetUtcNow().ToTimestamp(),
        Call = "ClusterAdmin/ReadAudit",
        Outcome = $"manager '{manager}' cannot be asked, its lines are missing here: {why}",
        Manager = manager,
    };
}
