using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace Berth.Manager.Access;

/// <summary>A call that can be ended because its caller may not make it any more.</summary>
internal sealed class RevocableContext : ServerCallContext, IDisposable
{
    // Where Grpc.AspNetCore looks for the request of a context that is not its own.
    private const string HttpContextKey = "__HttpContext";

    private readonly ServerCallContext _inner;
    private readonly CancellationTokenSource _ending;

    public RevocableContext(ServerCallContext inner, HttpContext call)
    {
        _inner = inner;
        _inner.UserState[HttpContextKey] = call;
        _ending = CancellationTokenSource.CreateLinkedTokenSource(inner.CancellationToken);
    }

    /// <summary>Why it was ended; null while it was not.</summary>
    public string? Revoked { get; private set; }

    protected override string MethodCore => _inner.Method;

    protected override string HostCore => _inner.Host;

    protected override string PeerCore => _inner.Peer;

    protected override DateTime DeadlineCore => _inner.Deadline;

    protected override Metadata RequestHeadersCore => _inner.RequestHeaders;

    protected override CancellationToken CancellationTokenCore => _ending.Token;

    protected override Metadata ResponseTrailersCore => _inner.ResponseTrailers;

    protected override Status StatusCore
    {
        get => _inner.Status;
        set => _inner.Status = value;
    }

    protected override WriteOptions? WriteOptionsCore
    {
        get => _inner.WriteOptions;
        set => _inner.WriteOptions = value;
    }

    protected override AuthContext AuthContextCore => _inner.AuthContext;

    protected override IDictionary<object, object> UserStateCore => _inner.UserState;

    public async Task RevokeAsync(string reason)
    {
        Revoked = reason;
        await _ending.CancelAsync();
    }

    public void Dispose() => _ending.Dispose();

    protected override ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options) => _inner.CreatePropagationToken(options);

    protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders) => _inner.WriteResponseHeadersAsync(responseHeaders);
}
