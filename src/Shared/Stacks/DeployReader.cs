using Berth.Model;
using Berth.Stacks.Yaml;

namespace Berth.Stacks;

/// <summary>What <c>deploy</c> says.</summary>
internal sealed record DeploySection
{
    public ServiceMode Mode { get; init; } = new ServiceMode.Replicated(1);
    public ValueMap Labels { get; init; } = ValueMap.Empty;
    public Placement Placement { get; init; } = new();
    public ResourceRequirements Resources { get; init; } = new();
    public RestartPolicy Restart { get; init; } = new();
    public UpdateConfig Update { get; init; } = new();
    public UpdateConfig Rollback { get; init; } = new();
    public bool IsDnsrr { get; init; }
}

/// <summary>Reads a service's <c>deploy</c>.</summary>
internal static class DeployReader
{
    public static DeploySection Read(Field? deploy, StackFileOptions options)
    {
        var silent = new UpdateConfig { Order = options.SwarmCompatible ? UpdateOrder.StopFirst : UpdateOrder.Auto };
        if (deploy is null || deploy.Node.IsNull)
            return new DeploySection { Update = silent, Rollback = silent };
        Keys.Deploy.Check(deploy);
        return new DeploySection
        {
            Mode = ReadMode(deploy),
            Labels = ServiceReader.ReadLabels(deploy.Get("labels")),
            IsDnsrr = deploy.Get("endpoint_mode")?.Word("vip", "dnsrr") == "dnsrr",
            Placement = ReadPlacement(deploy.Get("placement")),
            Resources = ReadResources(deploy.Get("resources")),
            Restart = ReadRestart(deploy.Get("restart_policy")),
            Update = ReadUpdate(deploy.Get("update_config"), silent, "pause", "continue", "rollback"),
            Rollback = ReadUpdate(deploy.Get("rollback_config"), silent, "pause", "continue"),
        };
    }

    private static ServiceMode ReadMode(Field deploy)
    {
        var mode = "replicated";
        if (deploy.Get("mode") is { } field)
        {
            if (field.Node is YamlScalar { Text: "replicated-job" or "global-job" })
                field.Problem("jobs are not supported yet", "write replicated or global");
            else
                mode = field.Word("replicated", "global") ?? mode;
        }
        if (mode == "global")
        {
            deploy.Get("replicas")?.Problem("a global service has one task on every node, so replicas has no meaning", "remove it, or write mode: replicated");
            return new ServiceMode.Global();
        }
        return new ServiceMode.Replicated(deploy.Get("replicas")?.Integer(0, int.MaxValue) ?? 1);
    }

    private static Placement ReadPlacement(Field? field)
    {
        if (field is null)
            return new Placement();
        Keys.Placement.Check(field);
        return new Placement
        {
            Constraints = (field.Get("constraints")?.Items() ?? []).Select(ReadConstraint).OfType<Constraint>().ToValueList(),
            Spread = (field.Get("preferences")?.Items() ?? []).Select(ReadPreference).OfType<string>().ToValueList(),
            MaxReplicasPerNode = field.Get("max_replicas_per_node")?.Integer(0, int.MaxValue) ?? 0,
        };
    }

    private static Constraint? ReadConstraint(Field item)
    {
        if (item.Text() is not { } text)
            return null;
        if (Constraint.TryParse(text, out var constraint, out var error))
            return constraint;
        var (message, next) = SpecChecks.Parted(error);
        item.Problem(message, next);
        return null;
    }

    private static string? ReadPreference(Field item)
    {
        Keys.Preference.Check(item);
        if (item.Node is not YamlMap)
            return null;
        if (item.Get("spread") is not { } spread)
        {
            item.Problem("it has no spread", "write spread: node.labels.NAME");
            return null;
        }
        return spread.NonEmptyText();
    }

    private static ResourceRequirements ReadResources(Field? field)
    {
        if (field is null)
            return new ResourceRequirements();
        Keys.Resources.Check(field);
        var (limits, reservations) = (field.Get("limits"), field.Get("reservations"));
        if (limits is not null)
            Keys.Limits.Check(limits);
        if (reservations is not null)
            Keys.Reservations.Check(reservations);
        return new ResourceRequirements
        {
            Limits = new Limits(Cpus(limits), Memory(limits), limits?.Get("pids")?.Integer(0, int.MaxValue) ?? 0),
            Reservations = new Resources(Cpus(reservations), Memory(reservations)),
        };
    }

    private static long Cpus(Field? of) => of?.Get("cpus")?.Cpus() ?? 0;

    private static long Memory(Field? of) => of?.Get("memory")?.Bytes() ?? 0;

    private static RestartPolicy ReadRestart(Field? field)
    {
        if (field is null)
            return new RestartPolicy();
        Keys.Restart.Check(field);
        return new RestartPolicy
        {
            Condition = field.Get("condition")?.Word("any", "on-failure", "none") switch
            {
                "on-failure" => RestartCondition.OnFailure,
                "none" => RestartCondition.None,
                _ => RestartCondition.Any,
            },
            Delay = field.Get("delay")?.Duration() ?? RestartPolicy.DefaultDelay,
            MaxAttempts = field.Get("max_attempts")?.Integer(0, int.MaxValue) ?? 0,
            Window = field.Get("window")?.Duration() ?? TimeSpan.Zero,
        };
    }

    private static UpdateConfig ReadUpdate(Field? field, UpdateConfig silent, params string[] actions)
    {
        if (field is null)
            return silent;
        Keys.Update.Check(field);
        // Zero stands for the default here, as in Docker.
        var monitor = field.Get("monitor")?.Duration() is { } given && given > TimeSpan.Zero ? given : silent.Monitor;
        return new UpdateConfig
        {
            Parallelism = field.Get("parallelism")?.Integer(0, int.MaxValue) ?? silent.Parallelism,
            Delay = field.Get("delay")?.Duration() ?? silent.Delay,
            FailureAction = field.Get("failure_action")?.Word(actions) switch
            {
                "continue" => FailureAction.Continue,
                "rollback" => FailureAction.Rollback,
                _ => FailureAction.Pause,
            },
            Monitor = monitor,
            MaxFailureRatio = field.Get("max_failure_ratio")?.Ratio() ?? silent.MaxFailureRatio,
            Order = field.Get("order")?.Word("stop-first", "start-first") switch
            {
                "stop-first" => UpdateOrder.StopFirst,
                "start-first" => UpdateOrder.StartFirst,
                _ => silent.Order,
            },
        };
    }
}
