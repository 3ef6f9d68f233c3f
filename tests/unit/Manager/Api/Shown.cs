using System.Threading.Channels;
using Grpc.Core;

namespace Berth.Tests.Manager.Api;

/// <summary>What a call streamed to its caller, to be read by a test.</summary>
internal sealed class Shown<T> : IServerStreamWriter<T>
{
    private readonly Channel<T> _written = Channel.CreateUnbounded<T>();

    public WriteOptions? WriteOptions { get; set; }

    public Task WriteAsync(T message) => _written.Writer.WriteAsync(message).AsTask();

    public Task WriteAsync(T message, CancellationToken cancellationToken) => WriteAsync(message);

    public async Task<T> NextAsync(CancellationToken cancellation) => await _written.Reader.ReadAsync(cancellation);
}
