using System.CommandLine;
using Berth.Model;

namespace Berth.Cli.Commands.Services;

/// <summary>The six <c>--update-*</c> or <c>--rollback-*</c> flags.</summary>
internal sealed class RolloutFlags
{
    private readonly Option<int?> _parallelism;
    private readonly Option<TimeSpan?> _delay;
    private readonly Option<FailureAction?> _action;
    private readonly Option<TimeSpan?> _monitor;
    private readonly Option<double?> _ratio;
    private readonly Option<UpdateOrder?> _order;

    private RolloutFlags(string prefix, string doing, string noun, params (string, FailureAction)[] actions)
    {
        _parallelism = Flag.Value($"--{prefix}-parallelism", "count", $"Maximum number of tasks {doing} simultaneously (0: all at once; default 1)", FlagValues.Count);
        _delay = Flag.Value($"--{prefix}-delay", "duration", $"Delay between {noun}s (default 0s)", FlagValues.Duration);
        _action = Flag.Choice($"--{prefix}-failure-action", $"Action on {noun} failure (default pause)", actions);
        _monitor = Flag.Value($"--{prefix}-monitor", "duration", $"Duration after each task {noun} to monitor for failure (default 5s)", FlagValues.Duration);
        _ratio = Flag.Value($"--{prefix}-max-failure-ratio", "share", $"Failure rate to tolerate during {noun} (default 0)", FlagValues.Ratio);
        _order = Flag.Choice($"--{prefix}-order", $"Order of a {noun} (default: start-first unless old and new cannot run side by side)",
            ("start-first", UpdateOrder.StartFirst), ("stop-first", UpdateOrder.StopFirst));
    }

    /// <summary>The options, in the order of help.</summary>
    public IEnumerable<Option> Options => [_parallelism, _delay, _action, _monitor, _ratio, _order];

    /// <summary>The <c>--update-*</c> flags.</summary>
    public static RolloutFlags Update() => new("update", "updated", "update",
        ("pause", FailureAction.Pause), ("continue", FailureAction.Continue), ("rollback", FailureAction.Rollback));

    /// <summary>The <c>--rollback-*</c> flags; a rollback that fails cannot roll back.</summary>
    public static RolloutFlags Rollback() => new("rollback", "rolled back", "rollback",
        ("pause", FailureAction.Pause), ("continue", FailureAction.Continue));

    /// <summary>The settings with what the flags say; what they do not name stays.</summary>
    public UpdateConfig Apply(ParseResult parse, UpdateConfig config) => config with
    {
        Parallelism = parse.GetValue(_parallelism) ?? config.Parallelism,
        Delay = parse.GetValue(_delay) ?? config.Delay,
        FailureAction = parse.GetValue(_action) ?? config.FailureAction,
        Monitor = parse.GetValue(_monitor) ?? config.Monitor,
        MaxFailureRatio = parse.GetValue(_ratio) ?? config.MaxFailureRatio,
        Order = parse.GetValue(_order) ?? config.Order,
    };
}
