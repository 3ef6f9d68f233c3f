using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using Berth.Cli.Output;
using Grpc.Core;

namespace Berth.Cli.Client;

/// <summary>What a failed call means to a person: pure, so that every status has its test.</summary>
internal static class Faults
{
    /// <summary>Turns a call's failure into an error to show.</summary>
    /// <param name="fault">What gRPC says.</param>
    /// <param name="address">The manager that was asked.</param>
    /// <param name="doing">What was asked, such as <c>create service 'web'</c>.</param>
    /// <param name="tls">What is known of the handshake; null where there was none.</param>
    public static UserError ToUserError(RpcException fault, ManagerAddress address, string doing, TlsFacts? tls = null)
    {
        var why = fault.Status.Detail;
        return fault.StatusCode switch
        {
            StatusCode.Unavailable when IsAway(fault) => Unreachable(fault, address, tls),
            StatusCode.Unavailable or StatusCode.Cancelled => new UserError($"cannot {doing} now: {why}",
                "try again; 'berth node ls' shows which nodes are away, 'berth info' whether the manager is well", ExitCode.Unreachable, fault),
            StatusCode.DeadlineExceeded => new UserError($"cannot {doing}: the manager at {address.Url} did not answer in time; a change may still take effect",
                "look at the manager's log; 'berth info' shows whether it answers at all", ExitCode.Unreachable, fault),
            StatusCode.InvalidArgument => new UserError($"cannot {doing}:{Problems(why)}", null, ExitCode.WrongUsage, fault),
            StatusCode.NotFound or StatusCode.AlreadyExists or StatusCode.FailedPrecondition or StatusCode.Aborted or StatusCode.ResourceExhausted =>
                new UserError($"cannot {doing}: {why}", null, ExitCode.Failed, fault),
            StatusCode.PermissionDenied => new UserError($"not allowed to {doing}: {why}",
                "ask an administrator; 'berth cluster client ls' shows who may do what", ExitCode.NotAllowed, fault),
            StatusCode.Unauthenticated => new UserError($"not allowed to {doing}: {why}",
                "name a context with a client certificate: berth context ls, or ask an administrator for one: berth cluster client create", ExitCode.NotAllowed, fault),
            StatusCode.Unimplemented => new UserError($"cannot {doing}: the manager at {address.Url} does not know this call",
                "compare 'berth version': client and manager differ", ExitCode.Failed, fault),
            StatusCode.Internal when fault.Status.DebugException is HttpRequestException or HttpIOException => Unreachable(fault, address, tls),
            _ => new UserError($"cannot {doing}: the manager failed ({fault.StatusCode}): {why}",
                "this is a bug in the manager; its log has the details", ExitCode.Failed, fault),
        };
    }

    /// <summary>Turns the failures of every manager of a cluster into one error: where none could be reached, it names them all.</summary>
    /// <param name="asked">Whom, and what each said.</param>
    /// <param name="doing">What was asked.</param>
    public static UserError OfAll(IReadOnlyList<(ManagerAddress Address, TlsFacts? Tls, RpcException Fault)> asked, string doing)
    {
        var told = asked.Where(one => !IsAway(one.Fault)).Concat(asked).First();
        if (asked.Count == 1 || !IsAway(told.Fault))
            return ToUserError(told.Fault, told.Address, doing, told.Tls);
        var errors = asked.Select(one => (one.Address, Error: ToUserError(one.Fault, one.Address, doing, one.Tls))).ToList();
        // Who is refused by one is refused by all, and then that is the news.
        if (errors.FirstOrDefault(one => one.Error.Code == ExitCode.NotAllowed).Error is { } refused)
            return refused;
        return new UserError($"no manager answers:\n  {string.Join("\n  ", errors.Select(one => one.Error.Message))}", errors[0].Error.Next, ExitCode.Unreachable, asked[0].Fault);
    }

    /// <summary>Whether the manager itself could not be reached, as opposed to one that answers that it cannot now.</summary>
    public static bool IsAway(RpcException fault) =>
        fault.StatusCode is StatusCode.Unavailable or StatusCode.Internal && fault.Status.DebugException is not null;

    private static UserError Unreachable(RpcException fault, ManagerAddress address, TlsFacts? tls)
    {
        if (tls is not null && Refused(fault, address, tls) is { } refused)
            return refused;
        var (why, next) = Innermost(fault) switch
        {
            SocketException when address.SocketPath is { } path && !File.Exists(path) => ("there is no such socket", Start),
            SocketException { SocketErrorCode: SocketError.HostNotFound } => ("there is no such host", Start),
            SocketException { SocketErrorCode: SocketError.AccessDenied } => ("this user may not open it", "run as root, or ask for access to the socket"),
            SocketException { SocketErrorCode: SocketError.ConnectionRefused } => ("nobody listens there", Start),
            OperationCanceledException or TimeoutException => ("the connection was not accepted in time", Start),
            var other => (other.Message, Start),
        };
        return new UserError($"no manager answers at {address.Url}: {why}", next, ExitCode.Unreachable, fault);
    }

    // The handshake names no side: this one knows whether it was itself that refused. In TLS 1.3 a client that is refused
    // learns of it with its first read, as an alert or a closed connection.
    private static UserError? Refused(RpcException fault, ManagerAddress address, TlsFacts tls)
    {
        if (tls.Refusal is { } why)
        {
            return new UserError($"whoever answers at {address.Url} is no manager of context '{tls.Context}': {why}",
                "check the address; after the cluster was made anew, or its authority rotated with --revoke-clients or long ago, get a new context: berth cluster client create", ExitCode.Unreachable, fault);
        }
        return Innermost(fault) is AuthenticationException or CryptographicException || IsAlert(fault)
            ? new UserError($"the manager at {address.Url} closed the connection when it was shown the certificate of client '{tls.Client.Name}' (context '{tls.Context}', serial {tls.Client.Serial}, valid until {tls.Client.NotAfter:yyyy-MM-dd HH:mm} UTC)",
                $"it may have expired or been removed: ask an administrator for another: berth cluster client create {tls.Client.Name}", ExitCode.NotAllowed, fault)
            : null;
    }

    private static bool IsAlert(RpcException fault)
    {
        for (var at = fault.Status.DebugException; at is not null; at = at.InnerException)
        {
            if (at is AuthenticationException or HttpIOException { HttpRequestError: HttpRequestError.InvalidResponse }
                || at.Message.Contains("HTTP/2 handshake", StringComparison.Ordinal) || at.Message.Contains("SSL", StringComparison.Ordinal) || at.GetType().Name.Contains("Ssl", StringComparison.Ordinal))
                return true;
        }
        return false;
    }

    private const string Start =
        "start one with 'berth lab up' or berth-manager, or name another with --host URL or BERTH_HOST";

    // A manager names every problem of a request, one a line.
    private static string Problems(string why) =>
        why.Contains('\n', StringComparison.Ordinal) ? "\n  " + why.Replace("\n", "\n  ", StringComparison.Ordinal) : " " + why;

    private static Exception Innermost(RpcException fault)
    {
        var at = fault.Status.DebugException ?? fault;
        while (at.InnerException is { } inner)
            at = inner;
        return at;
    }
}
