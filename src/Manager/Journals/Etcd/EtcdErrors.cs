using Grpc.Core;

namespace Berth.Manager.Journals.Etcd;

/// <summary>What an error of etcd means for who asked.</summary>
internal enum EtcdError
{
    /// <summary>This member cannot say now; another may, or the same a moment later. Whether it was done is not known.</summary>
    Ask,
    /// <summary>Nothing was done: the quota of the database is used up.</summary>
    Full,
    /// <summary>Nothing was done, and nothing will be when it is asked again.</summary>
    Refused,
}

/// <summary>Reads errors of etcd.</summary>
internal static class EtcdErrors
{
    /// <summary>Which kind it is.</summary>
    public static EtcdError Kind(RpcException error) => error.StatusCode switch
    {
        StatusCode.ResourceExhausted when error.Status.Detail.Contains("database space exceeded", StringComparison.Ordinal) => EtcdError.Full,
        StatusCode.InvalidArgument or StatusCode.FailedPrecondition or StatusCode.NotFound or StatusCode.OutOfRange
            or StatusCode.PermissionDenied or StatusCode.Unimplemented or StatusCode.AlreadyExists => EtcdError.Refused,
        // Too many requests, no leader, timed out, stopped, a learner that may not answer, a broken connection.
        _ => EtcdError.Ask,
    };

    /// <summary>What the member, or the way to it, said; for people.</summary>
    public static string Text(RpcException error)
    {
        var cause = error.Status.DebugException?.GetBaseException().Message;
        var detail = error.Status.Detail.Length > 0 ? error.Status.Detail : error.StatusCode.ToString();
        return error.StatusCode == StatusCode.DeadlineExceeded ? "no answer in time" : cause ?? detail;
    }
}

/// <summary>No member of etcd answered in time.</summary>
public sealed class EtcdUnavailableException(string message, Exception? inner = null) : IOException(message, inner);

/// <summary>etcd takes no writes: its database has reached its quota.</summary>
public sealed class EtcdFullException(string message, Exception? inner = null) : IOException(message, inner);
