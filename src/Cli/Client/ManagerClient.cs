using System.Net;
using System.Net.Sockets;
using Berth.Cli.Output;
using Berth.Protocol.V1;
using Grpc.Core;
using Grpc.Net.Client;

namespace Berth.Cli.Client;

/// <summary>A manager's Control service. Every call has a deadline or can be ended, and every failure is a <see cref="UserError"/>.</summary>
internal sealed class ManagerClient : IDisposable
{
    /// <summary>A call that does not stream is answered within this time, or the manager counts as unreachable.</summary>
    public static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    private readonly GrpcChannel _channel;
    private readonly TimeProvider _time;

    /// <summary>A client of the manager at <paramref name="address"/>; it connects with the first call.</summary>
    public ManagerClient(ManagerAddress address, TimeProvider time)
    {
        Address = address;
        _time = time;
        _channel = GrpcChannel.ForAddress(address.SocketPath is null ? address.Url : "http://localhost", new GrpcChannelOptions
        {
            // A client of our own, not a handler: around a handler the channel puts its balancer of many addresses.
            HttpClient = new HttpClient(Handler(address)) { Timeout = Timeout.InfiniteTimeSpan },
            DisposeHttpClient = true,
            MaxReceiveMessageSize = 256 * 1024 * 1024,
        });
        Control = new Control.ControlClient(_channel);
    }

    /// <summary>Where the manager is.</summary>
    public ManagerAddress Address { get; }

    /// <summary>The raw calls, for streams.</summary>
    public Control.ControlClient Control { get; }

    /// <summary>One answer, within <see cref="CallTimeout"/>.</summary>
    /// <param name="doing">What is asked, for errors: <c>create service 'web'</c>.</param>
    /// <param name="call">The call.</param>
    /// <param name="cancel">Ends the call.</param>
    public async Task<T> Call<T>(string doing, Func<Control.ControlClient, CallOptions, AsyncUnaryCall<T>> call, CancellationToken cancel)
    {
        var deadline = (_time.GetUtcNow() + CallTimeout).UtcDateTime;
        try
        {
            using var pending = call(Control, new CallOptions(deadline: deadline, cancellationToken: cancel));
            return await pending.ResponseAsync;
        }
        catch (RpcException fault) when (!cancel.IsCancellationRequested)
        {
            throw Faults.ToUserError(fault, Address, doing);
        }
        catch (RpcException fault)
        {
            throw new OperationCanceledException($"{doing}: ended by the caller", fault, cancel);
        }
    }

    /// <summary>Every message of a stream that ends by itself, within <see cref="CallTimeout"/>.</summary>
    public async Task<List<T>> ReadAll<T>(string doing, Func<Control.ControlClient, CallOptions, AsyncServerStreamingCall<T>> call, CancellationToken cancel)
    {
        var deadline = (_time.GetUtcNow() + CallTimeout).UtcDateTime;
        var all = new List<T>();
        await foreach (var item in Stream(doing, call, deadline, cancel))
            all.Add(item);
        return all;
    }

    /// <summary>The messages of a stream that goes on until <paramref name="cancel"/> ends it.</summary>
    public IAsyncEnumerable<T> Follow<T>(string doing, Func<Control.ControlClient, CallOptions, AsyncServerStreamingCall<T>> call, CancellationToken cancel) =>
        Stream(doing, call, null, cancel);

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();

    private async IAsyncEnumerable<T> Stream<T>(string doing, Func<Control.ControlClient, CallOptions, AsyncServerStreamingCall<T>> call,
        DateTime? deadline, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        using var pending = call(Control, new CallOptions(deadline: deadline, cancellationToken: cancel));
        while (await Next(doing, pending.ResponseStream, cancel))
            yield return pending.ResponseStream.Current;
    }

    private async Task<bool> Next<T>(string doing, IAsyncStreamReader<T> stream, CancellationToken cancel)
    {
        try
        {
            return await stream.MoveNext(cancel);
        }
        catch (RpcException fault) when (!cancel.IsCancellationRequested)
        {
            throw Faults.ToUserError(fault, Address, doing);
        }
        catch (RpcException fault)
        {
            throw new OperationCanceledException($"{doing}: ended by the caller", fault, cancel);
        }
    }

    // Pings notice a manager whose machine lost power: without them a stream would wait for ever.
    private static SocketsHttpHandler Handler(ManagerAddress address)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectTimeout = ConnectTimeout,
            KeepAlivePingDelay = TimeSpan.FromSeconds(5),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(5),
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            AutomaticDecompression = DecompressionMethods.None,
        };
        if (address.SocketPath is { } path)
            handler.ConnectCallback = (_, cancel) => Connect(path, cancel);
        return handler;
    }

    private static async ValueTask<Stream> Connect(string path, CancellationToken cancel)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
