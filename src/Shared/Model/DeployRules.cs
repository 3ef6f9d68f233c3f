namespace Berth.Model;

/// <summary>Rules of how many tasks there are, where, with how much, and how they are replaced.</summary>
public static class DeployRules
{
    private const long LeastNanoCpus = 1_000_000;
    private const long LeastMemoryBytes = 4 << 20;

    internal static void Check(SpecProblems problems, ServiceSpec spec)
    {
        if (spec.Mode is ServiceMode.Replicated { Replicas: var replicas })
        {
            problems.AddIf(ReplicasProblem(replicas) is not null, "deploy.replicas", ReplicasProblem(replicas) ?? "");
        }
        Check(problems, "deploy.update_config", spec.Update);
        Check(problems, "deploy.rollback_config", spec.Rollback);
        problems.AddIf(spec.Rollback.FailureAction == FailureAction.Rollback, "deploy.rollback_config.failure_action",
            "a rollback that fails cannot roll back; write pause or continue");
        Check(problems, spec.Task.Restart);
        Check(problems, spec.Task.Placement, spec.Mode);
        Check(problems, spec.Task.Resources);
        problems.NotNegative("force_update", spec.Task.ForceUpdate);
    }

    /// <summary>Why a service cannot have so many replicas; null when it can.</summary>
    public static string? ReplicasProblem(int replicas) => replicas switch
    {
        < 0 => $"{replicas} replicas is negative; write 0 or more",
        > SpecRules.MostReplicas => $"{replicas} replicas are more than the {SpecRules.MostReplicas} that one service may have",
        _ => null,
    };

    private static void Check(SpecProblems problems, string path, UpdateConfig config)
    {
        problems.NotNegative($"{path}.parallelism", config.Parallelism);
        problems.NotNegative($"{path}.delay", config.Delay);
        problems.NotNegative($"{path}.monitor", config.Monitor);
        problems.AddIf(config.MaxFailureRatio is not (>= 0 and <= 1), $"{path}.max_failure_ratio",
            $"{config.MaxFailureRatio} is not from 0 to 1");
        problems.Known($"{path}.failure_action", config.FailureAction);
        problems.Known($"{path}.order", config.Order);
    }

    private static void Check(SpecProblems problems, RestartPolicy policy)
    {
        problems.Known("deploy.restart_policy.condition", policy.Condition);
        problems.NotNegative("deploy.restart_policy.delay", policy.Delay);
        problems.NotNegative("deploy.restart_policy.max_attempts", policy.MaxAttempts);
        problems.NotNegative("deploy.restart_policy.window", policy.Window);
    }

    private static void Check(SpecProblems problems, Placement placement, ServiceMode mode)
    {
        for (var at = 0; at < placement.Constraints.Count; at++)
        {
            if (!Constraint.TryParse(placement.Constraints[at].ToString(), out _, out var error))
                problems.Add($"deploy.placement.constraints[{at}]", error);
        }
        for (var at = 0; at < placement.Spread.Count; at++)
        {
            var key = placement.Spread[at];
            problems.AddIf(!Constraint.IsKnown(key), $"deploy.placement.preferences[{at}].spread",
                $"'{key}' is not something to spread over; write node.labels.NAME, engine.labels.NAME or one of node.hostname, node.role, node.platform.os, node.platform.arch");
        }
        problems.NotNegative("deploy.placement.max_replicas_per_node", placement.MaxReplicasPerNode);
        problems.AddIf(mode is ServiceMode.Global && placement.MaxReplicasPerNode > 0, "deploy.placement.max_replicas_per_node",
            "a global service has one task on each node; leave it out");
    }

    private static void Check(SpecProblems problems, ResourceRequirements resources)
    {
        var (limits, reserved) = (resources.Limits, resources.Reservations);
        const string limitsPath = "deploy.resources.limits", reservedPath = "deploy.resources.reservations";
        Cpus(problems, $"{limitsPath}.cpus", limits.NanoCpus);
        Memory(problems, $"{limitsPath}.memory", limits.MemoryBytes);
        problems.NotNegative($"{limitsPath}.pids", limits.Pids);
        Cpus(problems, $"{reservedPath}.cpus", reserved.NanoCpus);
        Memory(problems, $"{reservedPath}.memory", reserved.MemoryBytes);
        problems.AddIf(limits.NanoCpus > 0 && reserved.NanoCpus > limits.NanoCpus, $"{reservedPath}.cpus",
            $"reserves {reserved.NanoCpus / 1e9} CPUs and may use only {limits.NanoCpus / 1e9}; lower the reservation or raise the limit");
        problems.AddIf(limits.MemoryBytes > 0 && reserved.MemoryBytes > limits.MemoryBytes, $"{reservedPath}.memory",
            $"reserves {reserved.MemoryBytes} bytes and may use only {limits.MemoryBytes}; lower the reservation or raise the limit");
    }

    private static void Cpus(SpecProblems problems, string path, long nanoCpus) =>
        problems.AddIf(nanoCpus is not 0 and < LeastNanoCpus, path, $"{nanoCpus / 1e9} CPUs are too few; write 0.001 or more, or leave it out");

    private static void Memory(SpecProblems problems, string path, long bytes) =>
        problems.AddIf(bytes is not 0 and < LeastMemoryBytes, path, $"{bytes} bytes are too few; write 4M or more, or leave it out");
}
