using Google.Protobuf;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Berth.Manager.Access;

/// <summary>Lets a call through to its service when its caller may make it, and writes down what it changed before he is answered.</summary>
internal sealed class AccessInterceptor(Gatekeeper gate, ILogger<AccessInterceptor> log) : Interceptor
{
    /// <summary>What is said of bytes that are no message.</summary>
    public static readonly Status Unreadable = new(StatusCode.InvalidArgument, "the message cannot be read: it is not what this call's version of the protocol says");

    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation) =>
        WatchedAsync(context, call => RunAsync(request, call, () => continuation(request, call.Context)), isLong: false);

    public override async Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation)
    {
        return await WatchedAsync(context, call => continuation(new CheckedStream<TRequest>(requestStream, first => FirstAsync(call, first)), call.Context), isLong: true);
    }

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        WatchedAsync(
            context,
            call => RunAsync(request, call, async () =>
            {
                await continuation(request, responseStream, call.Context);
                return true;
            }),
            isLong: true);

    public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation) =>
        WatchedAsync(
            context,
            async call =>
            {
                await continuation(new CheckedStream<TRequest>(requestStream, first => FirstAsync(call, first)), responseStream, call.Context);
                return true;
            },
            isLong: true);

    private async Task<T> RunAsync<T>(object request, Call call, Func<Task<T>> run)
    {
        var first = (IMessage)request;
        await gate.CheckAsync(call.Path, call.Rule, call.Caller, first);
        await gate.CheckKnownAsync(call.Path, call.Rule, call.Caller, first);
        if (!call.Rule.IsAudited)
            return await run();

        var subject = gate.Subject(call.Rule, first);
        T result;
        try
        {
            result = await run();
        }
        catch (RpcException refused)
        {
            await gate.FailedAsync(call.Path, call.Rule, call.Caller, subject, Outcome(refused));
            throw;
        }
        await gate.DoneAsync(call.Path, call.Caller, subject, AuditRecord.Done);
        return result;
    }

    // What goes on for as long as the caller wants is written down when it begins.
    private async Task FirstAsync(Call call, object message)
    {
        var first = (IMessage)message;
        await gate.CheckAsync(call.Path, call.Rule, call.Caller, first);
        await gate.CheckKnownAsync(call.Path, call.Rule, call.Caller, first);
        if (call.Rule.IsAudited)
            await gate.DoneAsync(call.Path, call.Caller, gate.Subject(call.Rule, first), "begun");
    }

    private async Task<T> WatchedAsync<T>(ServerCallContext context, Func<Call, Task<T>> run, bool isLong)
    {
        var http = context.GetHttpContext();
        var (path, caller) = (context.Method, gate.CallerOf(http));
        if (CallRules.Of(path) is not { } rule || gate.Refuse(path, caller) is not null)
            throw await gate.RefusedAsync(path, caller, "", gate.Refuse(path, caller) ?? AccessDecider.NoSuchCall);
        try
        {
            return await WatchedAsync(new Call(path, rule, caller, context), http, run, isLong);
        }
        catch (InvalidProtocolBufferException)
        {
            throw new RpcException(Unreadable);
        }
        catch (Exception error) when (error is not RpcException && !context.CancellationToken.IsCancellationRequested)
        {
            // Whoever called learns nothing of the manager's inside; the whole of it is in the log, and only there.
            log.LogError(error, "{Method} failed", path);
            throw new RpcException(new Status(
                StatusCode.Internal, $"the manager failed at {path}: {error.GetType().Name}; this is a bug: the manager's log has the rest, please report it"));
        }
    }

    private async Task<T> WatchedAsync<T>(Call asked, HttpContext http, Func<Call, Task<T>> run, bool isLong)
    {
        var (path, rule, caller, context) = asked;
        if (!isLong || caller.Kind is CallerKind.LocalRoot or CallerKind.Anonymous)
            return await run(asked);

        using var revocable = new RevocableContext(context, http);
        using var over = new CancellationTokenSource();
        var watching = WatchAsync(path, caller, revocable, http, over.Token);
        try
        {
            return await run(new Call(path, rule, caller, revocable));
        }
        catch (Exception error) when (error is RpcException or OperationCanceledException or IOException && revocable.Revoked is not null)
        {
            throw await gate.RefusedAsync(path, caller, "an open stream", revocable.Revoked!);
        }
        finally
        {
            await over.CancelAsync();
            await watching;
        }
    }

    // A client that is removed, a node that leaves, a certificate that runs out: what is open ends too.
    private async Task WatchAsync(string path, Caller caller, RevocableContext context, HttpContext http, CancellationToken over)
    {
        try
        {
            while (true)
            {
                await Task.Delay(Gatekeeper.LookAgainEvery, gate.Time, over);
                if (gate.Refuse(path, caller) is not { } reason)
                    continue;
                await context.RevokeAsync(reason);
                // A service that does not listen is cut off.
                await Task.Delay(Gatekeeper.LookAgainEvery, gate.Time, over);
                http.Abort();
                return;
            }
        }
        catch (OperationCanceledException)
        {
            // The call is over.
        }
    }

    private static string Outcome(RpcException refused) => $"refused: {refused.StatusCode}: {refused.Status.Detail}";

    private sealed record Call(string Path, CallRule Rule, Caller Caller, ServerCallContext Context);

    /// <summary>The caller's messages; the first is checked before the service sees it.</summary>
    private sealed class CheckedStream<T>(IAsyncStreamReader<T> inner, Func<T, Task> check) : IAsyncStreamReader<T>
        where T : class
    {
        private bool _isChecked;

        public T Current => inner.Current;

        public async Task<bool> MoveNext(CancellationToken cancellationToken)
        {
            if (!await inner.MoveNext(cancellationToken))
                return false;
            if (!_isChecked)
            {
                await check(inner.Current);
                _isChecked = true;
            }
            return true;
        }
    }
}
