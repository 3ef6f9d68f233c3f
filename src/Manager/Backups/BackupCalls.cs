using Berth.Manager.Api;
using Berth.Manager.Store;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Hosting;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Backups;

/// <summary>Hands administrators a backup while everything goes on.</summary>
internal sealed class BackupCalls(IClusterView view, ManagerFacts facts, TimeProvider time, IHostApplicationLifetime host) : V1.ClusterAdmin.ClusterAdminBase
{
    // A part of a message of gRPC's usual size.
    private const int PieceBytes = 256 << 10;

    // Making a key from a passphrase takes a core for a third of a second, on purpose.
    private readonly SemaphoreSlim _one = new(1, 1);

    public override async Task Backup(V1.BackupRequest request, IServerStreamWriter<V1.BackupChunk> responseStream, ServerCallContext context)
    {
        if (request.Passphrase.Length < BackupSeal.ShortestPassphrase)
            throw ApiErrors.Invalid($"passphrase: it has {request.Passphrase.Length} characters; a backup holds every secret of the cluster, so use at least {BackupSeal.ShortestPassphrase}");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, host.ApplicationStopping);
        if (!await _one.WaitAsync(TimeSpan.Zero, stop.Token))
            throw ApiErrors.Unavailable("another backup is being made; try again when it is done");
        try
        {
            var state = view.Current;
            using var parts = BackupFile.Write(state, request.Passphrase, facts.Version, time.GetUtcNow()).GetEnumerator();
            while (await Task.Run(parts.MoveNext, stop.Token))
            {
                for (var part = parts.Current; !part.IsEmpty; part = part[Math.Min(PieceBytes, part.Length)..])
                {
                    var piece = part[..Math.Min(PieceBytes, part.Length)];
                    await responseStream.WriteAsync(new V1.BackupChunk { Data = ByteString.CopyFrom(piece.Span) }, stop.Token);
                }
            }
        }
        finally
        {
            _one.Release();
        }
    }
}
