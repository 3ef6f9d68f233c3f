namespace Berth.Cli.Output;

/// <summary>A failure a person can do something about: shown as its message and what to do next, without a stack trace.
/// Anything else that is thrown is a bug in <c>berth</c>.</summary>
/// <param name="message">What failed with names and numbers, and why.</param>
/// <param name="next">What to do; null when the message says it.</param>
/// <param name="code">One of <see cref="ExitCode"/>.</param>
/// <param name="inner">What it was made from.</param>
internal sealed class UserError(string message, string? next = null, int code = ExitCode.Failed, Exception? inner = null)
    : Exception(message, inner)
{
    /// <summary>What to do about it, if there is more to say than the message does.</summary>
    public string? Next { get; } = next;

    /// <summary>What the process exits with.</summary>
    public int Code { get; } = code;

    /// <summary>A mistake in the command line or in a file it names.</summary>
    public static UserError Usage(string message, string? next = null) => new(message, next, ExitCode.WrongUsage);

    /// <summary>The lines that are shown.</summary>
    public IEnumerable<string> Lines()
    {
        yield return $"error: {Message}";
        if (Next is not null)
            yield return $"  next: {Next}";
    }
}
