using System.CommandLine;

namespace Berth.Cli.Commands.Waiting;

/// <summary>The flags of every command that waits.</summary>
internal sealed class WaitFlags
{
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(15);

    private readonly Option<bool> _detach = Flag.Switch("--detach", "Exit immediately instead of waiting", "-d");
    private readonly Option<bool> _quiet = Flag.Switch("--quiet", "Suppress progress output", "-q");
    private readonly Option<TimeSpan?> _timeout = Flag.Value("--timeout", "duration", "How long to wait before giving up with exit code 4 (0: no limit; default 15m)", FlagValues.Duration);

    /// <summary>The options, in the order of help.</summary>
    public Option[] Options => [_detach, _quiet, _timeout];

    /// <summary>What they say.</summary>
    public WaitOptions Read(ParseResult parse) =>
        new(parse.GetValue(_detach), parse.GetValue(_quiet), parse.GetValue(_timeout) ?? DefaultTimeout);
}

/// <summary>Whether and how long a command waits.</summary>
/// <param name="Detach">It does not.</param>
/// <param name="Quiet">It shows no progress.</param>
/// <param name="Timeout">Zero is without limit.</param>
internal sealed record WaitOptions(bool Detach, bool Quiet, TimeSpan Timeout);
