using System.CommandLine;
using Berth.Cli.Output;
using Berth.Model;

namespace Berth.Cli.Commands.Services;

/// <summary>Flags of how many tasks there are, with how much, and how they are replaced; shared by create and update.</summary>
internal sealed class DeployFlags
{
    private readonly Option<int?> _replicas = Flag.Value("--replicas", "count", "Number of tasks", FlagValues.Count);
    private readonly Option<int?> _maxPerNode = Flag.Value("--replicas-max-per-node", "count", "Maximum number of tasks per node (default 0 = unlimited)", FlagValues.Count);
    private readonly Option<long?> _limitCpu = Flag.Value("--limit-cpu", "cpus", "Limit CPUs", FlagValues.Cpus);
    private readonly Option<long?> _limitMemory = Flag.Value("--limit-memory", "bytes", "Limit Memory", FlagValues.Bytes);
    private readonly Option<int?> _limitPids = Flag.Value("--limit-pids", "count", "Limit maximum number of processes (default 0 = unlimited)", FlagValues.Count);
    private readonly Option<long?> _reserveCpu = Flag.Value("--reserve-cpu", "cpus", "Reserve CPUs", FlagValues.Cpus);
    private readonly Option<long?> _reserveMemory = Flag.Value("--reserve-memory", "bytes", "Reserve Memory", FlagValues.Bytes);
    private readonly Option<RestartCondition?> _condition = Flag.Choice("--restart-condition", "Restart when condition is met (default any)",
        ("none", RestartCondition.None), ("on-failure", RestartCondition.OnFailure), ("any", RestartCondition.Any));
    private readonly Option<TimeSpan?> _delay = Flag.Value("--restart-delay", "duration", "Delay before the first restart; doubles with each quick failure (default 5s)", FlagValues.Duration);
    private readonly Option<int?> _attempts = Flag.Value("--restart-max-attempts", "count", "Maximum number of restarts before giving up (default 0 = unlimited)", FlagValues.Count);
    private readonly Option<TimeSpan?> _window = Flag.Value("--restart-window", "duration", "Window used to evaluate the restart policy", FlagValues.Duration);
    private readonly RolloutFlags _update = RolloutFlags.Update();
    private readonly RolloutFlags _rollback = RolloutFlags.Rollback();

    /// <summary>The options, in the order of help.</summary>
    public IEnumerable<Option> Options =>
    [
        _replicas, _maxPerNode, _limitCpu, _limitMemory, _limitPids, _reserveCpu, _reserveMemory,
        _condition, _delay, _attempts, _window, .. _update.Options, .. _rollback.Options,
    ];

    /// <summary>The spec with what the flags say; what they do not name stays.</summary>
    /// <exception cref="UserError">Replicas are set on a global service.</exception>
    public ServiceSpec Apply(ParseResult parse, ServiceSpec spec)
    {
        if (parse.GetValue(_replicas) is { } replicas)
            spec = Scaled(spec, replicas);
        spec = spec with { Update = _update.Apply(parse, spec.Update), Rollback = _rollback.Apply(parse, spec.Rollback) };
        return spec.WithTask(task => task with
        {
            Placement = task.Placement with { MaxReplicasPerNode = parse.GetValue(_maxPerNode) ?? task.Placement.MaxReplicasPerNode },
            Resources = new ResourceRequirements
            {
                Limits = new Limits(
                    parse.GetValue(_limitCpu) ?? task.Resources.Limits.NanoCpus,
                    parse.GetValue(_limitMemory) ?? task.Resources.Limits.MemoryBytes,
                    parse.GetValue(_limitPids) ?? task.Resources.Limits.Pids),
                Reservations = new Resources(
                    parse.GetValue(_reserveCpu) ?? task.Resources.Reservations.NanoCpus,
                    parse.GetValue(_reserveMemory) ?? task.Resources.Reservations.MemoryBytes),
            },
            Restart = new RestartPolicy
            {
                Condition = parse.GetValue(_condition) ?? task.Restart.Condition,
                Delay = parse.GetValue(_delay) ?? task.Restart.Delay,
                MaxAttempts = parse.GetValue(_attempts) ?? task.Restart.MaxAttempts,
                Window = parse.GetValue(_window) ?? task.Restart.Window,
            },
        });
    }

    private static ServiceSpec Scaled(ServiceSpec spec, int replicas)
    {
        try
        {
            return spec.WithReplicas(replicas);
        }
        catch (FormatException error)
        {
            throw UserError.Usage($"--replicas {replicas}: {error.Message}", "leave out --replicas");
        }
    }
}
