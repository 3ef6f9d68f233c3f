using System.CommandLine;
using Berth.Cli.Output;
using Berth.Model;

namespace Berth.Cli.Commands.Services;

/// <summary>Flags of a container's health check.</summary>
internal sealed class HealthFlags
{
    private readonly Option<string?> _command = Flag.Text("--health-cmd", "command", "Command to run to check health");
    private readonly Option<TimeSpan?> _interval = Flag.Value("--health-interval", "duration", "Time between running the check", FlagValues.Duration);
    private readonly Option<TimeSpan?> _timeout = Flag.Value("--health-timeout", "duration", "Maximum time to allow one check to run", FlagValues.Duration);
    private readonly Option<TimeSpan?> _startPeriod = Flag.Value("--health-start-period", "duration",
        "Start period for the container to initialize before counting retries towards unstable", FlagValues.Duration);
    private readonly Option<int?> _retries = Flag.Value("--health-retries", "count", "Consecutive failures needed to report unhealthy", FlagValues.Count);
    private readonly Option<bool> _none = Flag.Switch("--no-healthcheck", "Disable any container-specified HEALTHCHECK");

    /// <summary>The options, in the order of help.</summary>
    public IEnumerable<Option> Options => [_command, _interval, _timeout, _startPeriod, _retries, _none];

    /// <summary>The check with what the flags say; null leaves the image's own.</summary>
    /// <exception cref="UserError"><c>--no-healthcheck</c> stands beside a setting of the check.</exception>
    public Healthcheck? Apply(ParseResult parse, Healthcheck? current)
    {
        var isSet = Options.Where(option => option != _none).Any(option => parse.Given(option));
        if (parse.GetValue(_none))
        {
            return isSet
                ? throw UserError.Usage("--no-healthcheck conflicts with the other --health flags", "leave out one or the other")
                : new Healthcheck { Test = ValueList.Create<string>(["NONE"]) };
        }
        if (!isSet)
            return current;

        // Settings without a command, on a service whose check was off, bring the image's own test back.
        var check = current ?? new Healthcheck();
        var test = check.Test is ["NONE"] ? default : check.Test;
        return check with
        {
            Test = parse.GetValue(_command) is { } command ? ValueList.Create<string>(["CMD-SHELL", command]) : test,
            Interval = parse.GetValue(_interval) ?? check.Interval,
            Timeout = parse.GetValue(_timeout) ?? check.Timeout,
            StartPeriod = parse.GetValue(_startPeriod) ?? check.StartPeriod,
            Retries = parse.GetValue(_retries) ?? check.Retries,
        };
    }
}
