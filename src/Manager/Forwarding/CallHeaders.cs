namespace Berth.Manager.Forwarding;

/// <summary>Metadata of Berth's calls; docs/api.md says what callers may use.</summary>
public static class CallHeaders
{
    /// <summary>From a caller: 1 asks for the leader's answer, no older than the call.</summary>
    public const string Consistent = "berth-consistent";

    /// <summary>From a caller: the answer must hold at least this commit.</summary>
    public const string MinimumIndex = "berth-min-index";

    /// <summary>In an answer: of a read, a commit that it holds, and all before it; of a change, the newest commit then.</summary>
    public const string Index = "berth-index";

    /// <summary>In an answer: the leadership term of that state.</summary>
    public const string Epoch = "berth-epoch";

    /// <summary>From a caller: the trace the call belongs to, as W3C writes it.</summary>
    public const string Trace = "traceparent";

    /// <summary>Between managers: 1, the call was passed on already and goes no further.</summary>
    public const string Forwarded = "berth-forwarded";

    /// <summary>Between managers: 1, the call was not looked at, because this manager does not lead.</summary>
    public const string NotLeader = "berth-not-leader";

    /// <summary>Whether the header asks for something.</summary>
    public static bool IsSet(string? value) => value == "1";
}
