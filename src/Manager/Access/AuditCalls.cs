using Berth.Manager.Api;
using Grpc.Core;
using Microsoft.Extensions.Hosting;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Access;

/// <summary>Reads the audit log to administrators.</summary>
internal sealed class AuditCalls(AuditLog audit, IHostApplicationLifetime host) : V1.ClusterAdmin.ClusterAdminBase
{
    private const int MostSeen = 2_000;

    public override async Task ReadAudit(V1.ReadAuditRequest request, IServerStreamWriter<V1.AuditEntry> responseStream, ServerCallContext context)
    {
        if (request.Tail < 0)
            throw ApiErrors.Invalid($"tail is {request.Tail}; give a number of lines, or 0 for all that are kept");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, host.ApplicationStopping);
        // Before the file is read, so that nothing is missed; what is in both is told once.
        using var following = request.Follow ? audit.Follow() : null;
        var read = await Task.Run(() => audit.Newest(request.Tail), stop.Token);
        foreach (var record in read)
            await responseStream.WriteAsync(record.ToWire(), stop.Token);
        if (following is null)
            return;
        var seen = read.TakeLast(MostSeen).ToHashSet();
        try
        {
            await foreach (var record in following.Lines.ReadAllAsync(stop.Token))
            {
                if (!seen.Remove(record))
                    await responseStream.WriteAsync(record.ToWire(), stop.Token);
            }
        }
        catch (OperationCanceledException) when (!context.CancellationToken.IsCancellationRequested)
        {
            throw ApiErrors.Unavailable("the manager is stopping; call again");
        }
    }
}
