using Berth.Manager.Dispatch;
using Berth.Manager.Store;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace Berth.Manager.Api;

/// <summary>What a caller sees when a call fails: a gRPC status with a sentence for people, never a stack trace.</summary>
internal static class ApiErrors
{
    /// <summary>Longest message, characters: statuses travel in HTTP/2 headers, which have a limit of their own.</summary>
    public const int LongestMessage = 6_000;

    public static RpcException Invalid(string message) => Of(StatusCode.InvalidArgument, message);

    public static RpcException NotFound(string message) => Of(StatusCode.NotFound, message);

    public static RpcException Precondition(string message) => Of(StatusCode.FailedPrecondition, message);

    public static RpcException Unavailable(string message) => Of(StatusCode.Unavailable, message);

    /// <summary>All problems of a request at once, one a line.</summary>
    public static void ThrowIfAny(IReadOnlyCollection<string> problems)
    {
        if (problems.Count > 0)
            throw Invalid(string.Join('\n', problems));
    }

    /// <summary>What a reference found, or its refusal as a status.</summary>
    public static T OrThrow<T>(this Reference<T> reference)
        where T : class =>
        reference.Value ?? throw From(reference.Refusal!);

    public static RpcException From(StoreProtocol.Refused refused) => Of(Code(refused.Reason), refused.Message);

    public static StatusCode Code(RefusalReason reason) => reason switch
    {
        RefusalReason.Invalid => StatusCode.InvalidArgument,
        RefusalReason.NotFound => StatusCode.NotFound,
        RefusalReason.Exists => StatusCode.AlreadyExists,
        RefusalReason.Conflict => StatusCode.FailedPrecondition,
        RefusalReason.Denied => StatusCode.PermissionDenied,
        _ => StatusCode.Unknown,
    };

    /// <summary>Runs a call and turns what it throws into the status the caller sees.</summary>
    public static async Task<T> Guard<T>(Func<Task<T>> call, ServerCallContext context, ILogger log)
    {
        try
        {
            return await call();
        }
        catch (Exception error) when (error is not RpcException)
        {
            throw Translate(error, context, log);
        }
    }

    /// <summary>As the other, for calls that only stream.</summary>
    public static Task Guard(Func<Task> call, ServerCallContext context, ILogger log) => Guard(
        async () =>
        {
            await call();
            return true;
        },
        context,
        log);

    private static RpcException Translate(Exception error, ServerCallContext context, ILogger log)
    {
        switch (error)
        {
            case FormatException:
                return Invalid(error.Message);
            case RelayUnavailableException:
                return Unavailable(error.Message);
            case OperationCanceledException or IOException when context.CancellationToken.IsCancellationRequested:
                return Of(StatusCode.Cancelled, "the caller went away");
            default:
                log.LogError(error, "{Method} failed", context.Method);
                return Of(
                    StatusCode.Internal,
                    $"the manager failed at {context.Method}: {error.GetType().Name}; this is a bug: the manager's log has the rest, please report it");
        }
    }

    private static RpcException Of(StatusCode code, string message)
    {
        var shown = message.Length <= LongestMessage
            ? message
            : $"{message[..LongestMessage]} … ({message.Length - LongestMessage} more characters are left out)";
        return new RpcException(new Status(code, shown), shown);
    }
}
