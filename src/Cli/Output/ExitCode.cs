namespace Berth.Cli.Output;

/// <summary>Every exit code of <c>berth</c>; docs/cli.md lists them for scripts.</summary>
internal static class ExitCode
{
    /// <summary>Done; where a command waits: converged and stable.</summary>
    public const int Done = 0;

    /// <summary>Failed, also an update that paused or was rolled back.</summary>
    public const int Failed = 1;

    /// <summary>The command line, or a file it names, cannot work as it is.</summary>
    public const int WrongUsage = 2;

    /// <summary>No manager answers.</summary>
    public const int Unreachable = 3;

    /// <summary>The wait ended, by its timeout or by Ctrl-C, before the state it waits for was reached.</summary>
    public const int NotReached = 4;

    /// <summary>The caller's role does not allow it, or nobody knows who he is.</summary>
    public const int NotAllowed = 5;
}
