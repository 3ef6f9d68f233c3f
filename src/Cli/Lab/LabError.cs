namespace Berth.Cli.Lab;

/// <summary>What a lab verb could not do, why, and what the person can do next. Shown without a stack trace.</summary>
internal sealed class LabError(string what, string next, int exitCode = LabError.Failed) : Exception(what)
{
    public const int Failed = 1;
    public const int WrongUsage = 2;

    /// <summary>The next step for the person, as an imperative sentence.</summary>
    public string Next { get; } = next;

    public int ExitCode { get; } = exitCode;
}
