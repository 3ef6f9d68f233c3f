using System.Net.Sockets;
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
    public static UserError ToUserError(RpcException fault, ManagerAddress address, string doing)
    {
        var why = fault.Status.Detail;
        return fault.StatusCode switch
        {
            StatusCode.Unavailable when IsAway(fault) => Unreachable(fault, address),
            StatusCode.Unavailable or StatusCode.Cancelled => new UserError($"cannot {doing} now: {why}",
                "try again; 'berth node ls' shows which nodes are away, 'berth info' whether the manager is well", ExitCode.Unreachable, fault),
            StatusCode.DeadlineExceeded => new UserError($"cannot {doing}: the manager at {address.Url} did not answer in time; a change may still take effect",
                "look at the manager's log; 'berth info' shows whether it answers at all", ExitCode.Unreachable, fault),
            StatusCode.InvalidArgument => new UserError($"cannot {doing}:{Problems(why)}", null, ExitCode.WrongUsage, fault),
            StatusCode.NotFound or StatusCode.AlreadyExists or StatusCode.FailedPrecondition or StatusCode.Aborted or StatusCode.ResourceExhausted =>
                new UserError($"cannot {doing}: {why}", null, ExitCode.Failed, fault),
            StatusCode.Unimplemented => new UserError($"cannot {doing}: the manager at {address.Url} does not know this call",
                "compare 'berth version': client and manager differ", ExitCode.Failed, fault),
            StatusCode.Internal when fault.Status.DebugException is HttpRequestException or HttpIOException => Unreachable(fault, address),
            _ => new UserError($"cannot {doing}: the manager failed ({fault.StatusCode}): {why}",
                "this is a bug in the manager; its log has the details", ExitCode.Failed, fault),
        };
    }

    /// <summary>Whether the manager itself could not be reached, as opposed to one that answers that it cannot now.</summary>
    public static bool IsAway(RpcException fault) =>
        fault.StatusCode is StatusCode.Unavailable or StatusCode.Internal && fault.Status.DebugException is not null;

    private static UserError Unreachable(RpcException fault, ManagerAddress address)
    {
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
