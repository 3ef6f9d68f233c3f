using Berth.Manager.Api;
using Grpc.Core;
using Microsoft.Extensions.Hosting;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Access;

/// <summary>Reads this manager's own audit log.</summary>
internal sealed class AuditReader(AuditLog audit, IHostApplicationLifetime host)
{
    private const int MostSeen = 2_000;

    /// <summary>Tells the newest lines, the newest last; with <c>follow</c> goes on with what is written from now on.</summary>
    public async Task ReadAsync(V1.ReadAuditRequest request, Func<V1.AuditEntry, CancellationToken, Task> tell, CancellationToken cancellation)
    {
        if (request.Tail < 0)
            throw ApiErrors.Invalid($"tail is {request.Tail}; give a number of lines, or 0 for all that are kept");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, host.ApplicationStopping);
        // Before the file is read, so that nothing is missed; what is in both is told once.
        using var following = request.Follow ? audit.Follow() : null;
        var read = await Task.Run(() => audit.Newest(request.Tail), stop.Token);
        foreach (var record in read)
            await tell(record.ToWire(), stop.Token);
        if (following is null)
            return;
        var seen = read.TakeLast(MostSeen).ToHashSet();
        try
        {
            await foreach (var record in following.Lines.ReadAllAsync(stop.Token))
            {
                if (!seen.Remove(record))
                    await tell(record.ToWire(), stop.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw ApiErrors.Unavailable("the manager is stopping; call again");
        }
    }
}

/// <summary>Where other managers read this one's audit log.</summary>
internal sealed class AuditExchangeService(AuditReader reader) : V1.AuditExchange.AuditExchangeBase
{
    public override Task Read(V1.ReadAuditRequest request, IServerStreamWriter<V1.AuditEntry> responseStream, ServerCallContext context) =>
        reader.ReadAsync(request, responseStream.WriteAsync, context.CancellationToken);
}
