namespace Berth.Stacks;

/// <summary>Every key that Docker's stack files and the Compose specification know, and what becomes of it here.</summary>
internal static class Keys
{
    private const string Remove = "remove it";
    private const string Unsupported = "not supported yet";

    public static KeyTable Top { get; } = new(
        ["version", "services", "volumes", "networks"],
        new()
        {
            ["secrets"] = Later("remove it and mount a file with volumes:"),
            ["configs"] = Later("remove it and mount a file with volumes:"),
            ["name"] = new("the stack's name is given on the command line (Docker Swarm refuses this key too)", Remove),
            ["include"] = new("not supported yet (Docker Swarm refuses it too)", "give the other file as another --compose-file"),
            ["models"] = ComposeOnly(),
        });

    public static KeyTable Service { get; } = new(
        [
            "image", "command", "entrypoint", "environment", "labels", "ports", "networks", "network_mode", "volumes", "healthcheck",
            "stop_signal", "stop_grace_period", "user", "working_dir", "hostname", "init", "read_only", "tty", "stdin_open",
            "cap_add", "cap_drop", "deploy",
        ],
        ServiceRefusals());

    public static KeyTable Deploy { get; } = new(
        ["mode", "replicas", "labels", "placement", "resources", "update_config", "rollback_config", "restart_policy", "endpoint_mode"], []);

    public static KeyTable Placement { get; } = new(["constraints", "preferences", "max_replicas_per_node"], []);

    public static KeyTable Preference { get; } = new(["spread"], []);

    public static KeyTable Resources { get; } = new(["limits", "reservations"], []);

    public static KeyTable Limits { get; } = new(["cpus", "memory", "pids"], []);

    public static KeyTable Reservations { get; } = new(
        ["cpus", "memory"],
        new()
        {
            ["generic_resources"] = Later("remove it, or place the service with placement.constraints"),
            ["devices"] = Later("remove it, or place the service with placement.constraints"),
            ["pids"] = new("processes cannot be reserved", "write it under limits"),
        });

    public static KeyTable Update { get; } = new(
        ["parallelism", "delay", "failure_action", "monitor", "max_failure_ratio", "order"], []);

    public static KeyTable Restart { get; } = new(["condition", "delay", "max_attempts", "window"], []);

    public static KeyTable Healthcheck { get; } = new(
        ["test", "interval", "timeout", "retries", "start_period", "disable"],
        new() { ["start_interval"] = new($"{Unsupported}: engines before Docker 25 do not know it", "remove it and use interval") });

    public static KeyTable Port { get; } = new(
        ["target", "published", "protocol", "mode"],
        new()
        {
            ["name"] = ComposeOnly(),
            ["host_ip"] = new("ports are published on all addresses of the node; host_ip is not supported (Docker Swarm refuses it too)", Remove),
            ["app_protocol"] = ComposeOnly(),
        });

    public static KeyTable Mount { get; } = new(
        ["type", "source", "target", "read_only", "bind", "volume", "tmpfs"],
        new()
        {
            ["consistency"] = new("consistency has no effect on Linux", Remove),
            ["image"] = Later(Remove),
            ["cluster"] = Later(Remove),
        });

    public static KeyTable MountBind { get; } = new(
        ["propagation"],
        new()
        {
            ["create_host_path"] = Ignored("remove it; the path must exist on every node"),
            ["selinux"] = Ignored(Remove),
            ["recursive"] = Ignored(Remove),
        });

    public static KeyTable MountVolume { get; } = new(
        ["nocopy"],
        new()
        {
            ["subpath"] = Later("remove it and mount the whole volume"),
            ["labels"] = Ignored("write them under the volume at the top level"),
        });

    public static KeyTable MountTmpfs { get; } = new(
        ["size"],
        new() { ["mode"] = Ignored(Remove) });

    public static KeyTable Volume { get; } = new(
        ["name", "driver", "driver_opts", "external", "labels"],
        new() { ["x-cluster-spec"] = new("cluster volumes are not supported yet (Docker Swarm reads this key and makes no volume)", Remove) });

    public static KeyTable Network { get; } = new(
        ["name", "driver", "driver_opts", "external", "internal", "attachable", "labels", "ipam"],
        new()
        {
            ["enable_ipv6"] = new("networks are IPv4 only yet (Docker Swarm refuses this key too)", Remove),
            ["enable_ipv4"] = ComposeOnly(),
        });

    public static KeyTable Ipam { get; } = new(["driver", "config"], new() { ["options"] = ComposeOnly() });

    public static KeyTable IpamConfig { get; } = new(
        ["subnet"],
        new()
        {
            ["gateway"] = new("the gateway is chosen by each node (Docker Swarm refuses this key too)", Remove),
            ["ip_range"] = new("each node has a range of its own (Docker Swarm refuses this key too)", Remove),
            ["aux_addresses"] = ComposeOnly(),
        });

    public static KeyTable Attachment { get; } = new(
        ["aliases", "ipv4_address"],
        new()
        {
            ["ipv6_address"] = new("networks are IPv4 only yet (Docker Swarm ignores this key silently)", Remove),
            ["driver_opts"] = new("there is no option for a service's place in a network", Remove),
            ["link_local_ips"] = ComposeOnly(),
            ["mac_address"] = ComposeOnly(),
            ["priority"] = ComposeOnly(),
            ["gw_priority"] = ComposeOnly(),
            ["interface_name"] = ComposeOnly(),
        });

    public static KeyTable External { get; } = new(["name"], []);

    private static Refusal Later(string next) => new(Unsupported, next);

    private static Refusal Ignored(string next) => new("Docker Swarm ignores it silently", next);

    private static Refusal ComposeOnly() => new($"{Unsupported} (Docker Swarm refuses it too)", Remove);

    private static Dictionary<string, Refusal> ServiceRefusals()
    {
        var refused = new Dictionary<string, Refusal>
        {
            ["secrets"] = Later("remove it and mount a file with volumes:"),
            ["configs"] = Later("remove it and mount a file with volumes:"),
            ["env_file"] = Later("write the variables under environment; a name without a value there is taken from your shell"),
            ["restart"] = new("a service's tasks are restarted by deploy.restart_policy", "write deploy: {restart_policy: {condition: any}} (or on-failure, or none)"),
            ["depends_on"] = new("not supported yet; Docker Swarm ignores it silently", "remove it, and let the service wait for what it needs"),
            ["tmpfs"] = new("Docker Swarm ignores it silently", "write under volumes: - {type: tmpfs, target: /PATH}"),
            ["build"] = new("Berth runs images and builds none (Docker Swarm ignores this key)", "build and push the image, name it under image, and remove this"),
            ["container_name"] = new("containers are named after their task (Docker Swarm ignores this key)", Remove),
            ["expose"] = new("it publishes nothing (Docker Swarm ignores this key)", "remove it, or publish the port under ports"),
            ["extends"] = new("not supported yet (Docker Swarm refuses it too)", "use a YAML anchor and <<, or several files"),
            ["volume_driver"] = SwarmRefuses("name the driver of the volume under volumes at the top level"),
            ["volumes_from"] = SwarmRefuses("mount the same named volume in both services"),
            ["cpus"] = SwarmRefuses("write deploy.resources.limits.cpus"),
            ["cpu_quota"] = SwarmRefuses("write deploy.resources.limits.cpus"),
            ["mem_limit"] = SwarmRefuses("write deploy.resources.limits.memory"),
            ["mem_reservation"] = SwarmRefuses("write deploy.resources.reservations.memory"),
            ["pids_limit"] = SwarmRefuses("write deploy.resources.limits.pids"),
            ["scale"] = SwarmRefuses("write deploy.replicas"),
        };
        foreach (var key in (string[])["replicas", "mode", "placement", "resources", "update_config", "rollback_config", "restart_policy"])
            refused[key] = new($"'{key}' belongs under deploy", $"write deploy: and {key} below it");
        foreach (var key in (string[])["logging", "dns", "dns_search", "extra_hosts", "sysctls", "ulimits", "oom_score_adj", "credential_spec", "isolation"])
            refused[key] = Later(Remove);
        foreach (var key in (string[])[
            "cgroup_parent", "cgroupns_mode", "devices", "domainname", "external_links", "ipc", "links", "mac_address", "pid",
            "privileged", "security_opt", "shm_size", "userns_mode"])
            refused[key] = new("not supported (Docker Swarm ignores it with a warning)", Remove);
        foreach (var key in (string[])["cpu_shares", "cpuset", "memswap_limit"])
            refused[key] = SwarmRefuses(Remove);
        foreach (var key in (string[])[
            "annotations", "attach", "blkio_config", "cgroup", "cpu_count", "cpu_percent", "cpu_period", "cpu_rt_period",
            "cpu_rt_runtime", "develop", "device_cgroup_rules", "dns_opt", "gpus", "group_add", "label_file", "mem_swappiness",
            "models", "oom_kill_disable", "platform", "post_start", "pre_stop", "profiles", "provider", "pull_policy",
            "pull_refresh_after", "runtime", "storage_opt", "use_api_socket", "uts"])
            refused[key] = ComposeOnly();
        return refused;
    }

    private static Refusal SwarmRefuses(string next) => new("not supported (Docker Swarm refuses it too)", next);
}
