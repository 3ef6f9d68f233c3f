using Berth.Model;

namespace Berth.Tests.Shared.Model;

public sealed class SpecRulesTests
{
    private static readonly ServiceSpec Good = new()
    {
        Name = "shop_web",
        Task = new TaskSpec { Container = new ContainerSpec { Image = "web:1" } },
    };

    private static readonly Dictionary<string, Func<ServiceSpec, ServiceSpec>> Wrongs = new()
    {
        ["name"] = spec => spec with { Name = "-x" },
        ["deploy.labels"] = spec => spec with { Labels = ValueMap.Of("", "v") },
        ["image"] = spec => In(spec, container => container with { Image = "Redis:7" }),
        ["environment[1]"] = spec => In(spec, container => container with { Env = ["A=1", "=2"] }),
        ["labels"] = spec => In(spec, container => container with { Labels = ValueMap.Of("a b", "") }),
        ["hostname"] = spec => In(spec, container => container with { Hostname = "a_b" }),
        ["working_dir"] = spec => In(spec, container => container with { Dir = "srv" }),
        ["user"] = spec => In(spec, container => container with { User = "a:b:c" }),
        ["stop_signal"] = spec => In(spec, container => container with { StopSignal = "SIGSTOPP" }),
        ["stop_grace_period"] = spec => In(spec, container => container with { StopGracePeriod = TimeSpan.FromSeconds(-1) }),
        ["healthcheck.test"] = spec => Checked(spec, check => check with { Test = ["curl", "x"] }),
        ["healthcheck.interval"] = spec => Checked(spec, check => check with { Interval = TimeSpan.FromMicroseconds(900) }),
        ["healthcheck.timeout"] = spec => Checked(spec, check => check with { Timeout = TimeSpan.FromTicks(1) }),
        ["healthcheck.start_period"] = spec => Checked(spec, check => check with { StartPeriod = TimeSpan.FromSeconds(-5) }),
        ["healthcheck.retries"] = spec => Checked(spec, check => check with { Retries = -1 }),
        ["volumes[0].target"] = spec => Mounted(spec, new Mount { Type = MountType.Volume, Source = "v", Target = "data" }),
        ["volumes[1].target"] = spec => Mounted(spec, Volume("v", "/data"), Volume("w", "/data/")),
        ["volumes[0].source"] = spec => Mounted(spec, new Mount { Type = MountType.Bind, Source = "./data", Target = "/data" }),
        ["volumes[0].volume"] = spec => Mounted(spec, new Mount { Type = MountType.Tmpfs, Target = "/data", NoCopy = true }),
        ["volumes[0].tmpfs"] = spec => Mounted(spec, Volume("v", "/data") with { TmpfsBytes = 1 }),
        ["volumes[0].bind"] = spec => Mounted(spec, Volume("v", "/data") with { Propagation = "rslave" }),
        ["cap_add[0]"] = spec => In(spec, container => container with { CapAdd = ["NET_ADMINN"] }),
        ["cap_drop[1]"] = spec => In(spec, container => container with { CapDrop = ["ALL", "X"] }),
        ["ports"] = spec => Of(spec, task => task with { Network = NetworkMode.Host, Ports = [new PortConfig(80, 80)] }),
        ["ports[0].target"] = spec => Of(spec, task => task with { Ports = [new PortConfig(0, 80)] }),
        ["ports[0].published"] = spec => Of(spec, task => task with { Ports = [new PortConfig(80, 70_000)] }),
        ["ports[1].published"] = spec => Of(spec, task => task with { Ports = [new PortConfig(80, 8080), new PortConfig(81, 8080)] }),
        ["deploy.replicas"] = spec => spec with { Mode = new ServiceMode.Replicated(-1) },
        ["deploy.update_config.parallelism"] = spec => spec with { Update = new UpdateConfig { Parallelism = -1 } },
        ["deploy.update_config.delay"] = spec => spec with { Update = new UpdateConfig { Delay = TimeSpan.FromSeconds(-1) } },
        ["deploy.update_config.max_failure_ratio"] = spec => spec with { Update = new UpdateConfig { MaxFailureRatio = double.NaN } },
        ["deploy.update_config.order"] = spec => spec with { Update = new UpdateConfig { Order = (UpdateOrder)9 } },
        ["deploy.rollback_config.failure_action"] = spec => spec with { Rollback = new UpdateConfig { FailureAction = FailureAction.Rollback } },
        ["deploy.restart_policy.delay"] = spec => Of(spec, task => task with { Restart = new RestartPolicy { Delay = TimeSpan.MaxValue } }),
        ["deploy.restart_policy.max_attempts"] = spec => Of(spec, task => task with { Restart = new RestartPolicy { MaxAttempts = -1 } }),
        ["deploy.placement.constraints[0]"] = spec => Placed(spec, new Placement { Constraints = [new Constraint("node.colour", true, "red")] }),
        ["deploy.placement.preferences[0].spread"] = spec => Placed(spec, new Placement { Spread = ["zone"] }),
        ["deploy.placement.max_replicas_per_node"] = spec => Placed(spec, new Placement { MaxReplicasPerNode = -1 }),
        ["deploy.resources.limits.cpus"] = spec => With(spec, new Limits(NanoCpus: 999_999), default),
        ["deploy.resources.limits.memory"] = spec => With(spec, new Limits(MemoryBytes: 4_194_303), default),
        ["deploy.resources.limits.pids"] = spec => With(spec, new Limits(Pids: -1), default),
        ["deploy.resources.reservations.cpus"] = spec => With(spec, new Limits(NanoCpus: 1_000_000_000), new Resources(NanoCpus: 2_000_000_000)),
        ["deploy.resources.reservations.memory"] = spec => With(spec, new Limits(), new Resources(MemoryBytes: 1)),
        ["force_update"] = spec => Of(spec, task => task with { ForceUpdate = -1 }),
    };

    public static TheoryData<string> Paths => new(Wrongs.Keys);

    [Fact]
    public void A_plain_spec_has_no_problem() => Assert.Empty(SpecRules.Check(Good));

    [Theory]
    [MemberData(nameof(Paths))]
    public void Each_wrong_is_named_by_its_path_in_a_stack_file(string path) =>
        Assert.Equal([path], SpecRules.Check(Wrongs[path](Good)).Select(problem => problem.Path));

    [Fact]
    public void All_problems_are_reported_at_once()
    {
        var spec = Wrongs["image"](Wrongs["deploy.replicas"](Wrongs["deploy.restart_policy.delay"](Good)));
        Assert.Equal(["deploy.replicas", "deploy.restart_policy.delay", "image"], SpecRules.Check(spec).Select(problem => problem.Path).Order());
    }

    [Theory]
    [InlineData("redis")]
    [InlineData("redis:7.2-alpine")]
    [InlineData("library/redis")]
    [InlineData("localhost/redis")]
    [InlineData("127.0.0.1:5000/team/web_app:1")]
    [InlineData("[::1]:5000/a")]
    [InlineData("Registry.Example.com/a__b/c-d:V1")]
    [InlineData("redis@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")]
    [InlineData("redis:7@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")]
    public void What_the_engine_takes_for_an_image_is_one(string image) => Assert.Null(ImageReference.Problem(image));

    [Theory]
    [InlineData("")]
    [InlineData(" redis")]
    [InlineData("redis:")]
    [InlineData("redis:a b")]
    [InlineData("redis@sha256:12")]
    [InlineData("http://redis")]
    [InlineData("a//b")]
    [InlineData("redis:7\n")]
    public void What_the_engine_refuses_as_an_image_is_refused(string image) => Assert.NotNull(ImageReference.Problem(image));

    [Theory]
    [InlineData("SIGTERM")]
    [InlineData("term")]
    [InlineData("9")]
    [InlineData("SIGRTMIN+3")]
    public void Signals_are_names_or_numbers(string signal) =>
        Assert.Empty(SpecRules.Check(In(Good, container => container with { StopSignal = signal })));

    [Fact]
    public void Zero_in_a_health_check_means_the_default() =>
        Assert.Empty(SpecRules.Check(Checked(Good, check => check with { Interval = TimeSpan.Zero })));

    [Fact]
    public void A_stack_names_the_service_of_each_problem()
    {
        var stack = new StackSpec { Name = "shop", Services = [Wrongs["image"](Good), Good with { Name = "other" }, Good] };
        var problems = SpecRules.Check(stack);
        Assert.Equal(["services.web.image", "services.other", "services.web"], problems.Select(problem => problem.Path));
    }

    [Fact]
    public void A_stack_without_services_is_refused() =>
        Assert.Equal("services", Assert.Single(SpecRules.Check(new StackSpec { Name = "shop" })).Path);

    [Fact]
    public void A_name_of_64_characters_is_one_too_long()
    {
        Assert.Null(SpecRules.NameProblem(new string('a', 63)));
        Assert.NotNull(SpecRules.NameProblem(new string('a', 64)));
    }

    private static ServiceSpec Of(ServiceSpec spec, Func<TaskSpec, TaskSpec> edit) => spec with { Task = edit(spec.Task) };

    private static ServiceSpec In(ServiceSpec spec, Func<ContainerSpec, ContainerSpec> edit) =>
        Of(spec, task => task with { Container = edit(task.Container) });

    private static ServiceSpec Checked(ServiceSpec spec, Func<Healthcheck, Healthcheck> edit) =>
        In(spec, container => container with { Healthcheck = edit(new Healthcheck { Test = ["CMD", "true"] }) });

    private static ServiceSpec Mounted(ServiceSpec spec, params ValueList<Mount> mounts) => In(spec, container => container with { Mounts = mounts });

    private static ServiceSpec Placed(ServiceSpec spec, Placement placement) => Of(spec, task => task with { Placement = placement });

    private static ServiceSpec With(ServiceSpec spec, Limits limits, Resources reservations) =>
        Of(spec, task => task with { Resources = new ResourceRequirements { Limits = limits, Reservations = reservations } });

    private static Mount Volume(string name, string target) => new() { Type = MountType.Volume, Source = name, Target = target };
}
