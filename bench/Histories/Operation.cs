namespace Berth.Bench.Histories;

/// <summary>What a client did.</summary>
public enum OperationKind
{
    /// <summary>Set the register to a value that nobody else ever writes.</summary>
    Write,

    /// <summary>Read the newest value, as <c>--consistent</c> does.</summary>
    ConsistentRead,

    /// <summary>Read what the asked manager knows, with the version it saw.</summary>
    Read,
}

/// <summary>How it ended.</summary>
public enum Outcome
{
    /// <summary>Answered: a write is acknowledged, a read has its value.</summary>
    Done,

    /// <summary>It certainly had no effect: refused before anything was tried.</summary>
    Failed,

    /// <summary>Nobody knows: the connection broke or the time was over. A write may have taken effect, or may yet.</summary>
    Unknown,
}

/// <summary>One call of one client, with when it began and ended on the one clock of the recording machine.</summary>
/// <param name="Client">Number of the client; a client has one call at a time.</param>
/// <param name="Manager">Which manager it asked.</param>
/// <param name="Kind">What it did.</param>
/// <param name="Register">On which register.</param>
/// <param name="Value">Written or read; 0 is a register that nobody has written to yet.</param>
/// <param name="Version">The state's version that came with the answer; 0 when there was none.</param>
/// <param name="Called">When the call began.</param>
/// <param name="Returned">When it ended.</param>
/// <param name="Outcome">How it ended.</param>
public sealed record Operation(
    int Client, string Manager, OperationKind Kind, string Register, long Value, long Version, TimeSpan Called, TimeSpan Returned, Outcome Outcome);
