using System.CommandLine;
using System.Net;
using Berth.Cli.Commands.Services;
using Berth.Model;
using Berth.Model.Networks;

namespace Berth.Tests.Cli.Commands;

/// <summary>From a command line to the spec that is sent.</summary>
public sealed class ServiceFlagsTests
{

    [Fact]
    public void Only_an_image_makes_one_replica_with_every_default() =>
        Assert.Equal(
            new ServiceSpec { Name = "nginx-abcde", Task = new TaskSpec { Container = new ContainerSpec { Image = "nginx:1" } } },
            Create("nginx:1"));

    [Fact]
    public void Every_flag_of_create_reaches_the_spec()
    {
        var spec = Create("""
            --name web --replicas 3 --replicas-max-per-node 2 -e A=1 --env B -l tier=front --container-label c=d
            --constraint node.labels.zone==a --placement-pref spread=node.labels.zone --limit-cpu 0.5 --limit-memory 64M --limit-pids 100
            --reserve-cpu .25 --reserve-memory 32m --restart-condition on-failure --restart-delay 2s --restart-max-attempts 4 --restart-window 1m
            --update-parallelism 2 --update-delay 3s --update-failure-action rollback --update-monitor 10s --update-max-failure-ratio 0.5
            --update-order start-first --rollback-parallelism 0 --rollback-order stop-first --health-cmd check --health-interval 1s
            --health-timeout 2s --health-retries 3 --health-start-period 4s --mount type=bind,source=/srv,target=/data,readonly
            -p published=8080,target=80,mode=host --publish published=53,target=53,protocol=udp,mode=host --user 1000:1000 -w /work --hostname box --stop-signal SIGINT
            --stop-grace-period 30s --read-only --init -t --cap-add net_admin --cap-drop CAP_MKNOD nginx:1 serve --port 80
            """);

        Assert.Equal(new ServiceSpec
        {
            Name = "web",
            Labels = ValueMap.Of("tier", "front"),
            Mode = new ServiceMode.Replicated(3),
            Update = new UpdateConfig
            {
                Parallelism = 2,
                Delay = TimeSpan.FromSeconds(3),
                FailureAction = FailureAction.Rollback,
                Monitor = TimeSpan.FromSeconds(10),
                MaxFailureRatio = 0.5,
                Order = UpdateOrder.StartFirst,
            },
            Rollback = new UpdateConfig { Parallelism = 0, Order = UpdateOrder.StopFirst },
            Task = new TaskSpec
            {
                Resources = new ResourceRequirements { Limits = new Limits(500_000_000, 64 << 20, 100), Reservations = new Resources(250_000_000, 32 << 20) },
                Restart = new RestartPolicy { Condition = RestartCondition.OnFailure, Delay = TimeSpan.FromSeconds(2), MaxAttempts = 4, Window = TimeSpan.FromMinutes(1) },
                Placement = new Placement
                {
                    Constraints = ValueList.Create<Constraint>([new Constraint("node.labels.zone", true, "a")]),
                    Spread = ValueList.Create<string>(["node.labels.zone"]),
                    MaxReplicasPerNode = 2,
                },
                Ports = ValueList.Create<PortConfig>([new PortConfig(80, 8080), new PortConfig(53, 53, PortProtocol.Udp)]),
                Container = new ContainerSpec
                {
                    Image = "nginx:1",
                    Args = ValueList.Create<string>(["serve", "--port", "80"]),
                    Env = ValueList.Create<string>(["A=1", "B=from here"]),
                    Labels = ValueMap.Of("c", "d"),
                    Hostname = "box",
                    Dir = "/work",
                    User = "1000:1000",
                    StopSignal = "SIGINT",
                    StopGracePeriod = TimeSpan.FromSeconds(30),
                    ReadOnly = true,
                    Init = true,
                    Tty = true,
                    CapAdd = ValueList.Create<string>(["NET_ADMIN"]),
                    CapDrop = ValueList.Create<string>(["MKNOD"]),
                    Mounts = ValueList.Create<Mount>([new Mount { Type = MountType.Bind, Source = "/srv", Target = "/data", ReadOnly = true }]),
                    Healthcheck = new Healthcheck
                    {
                        Test = ValueList.Create<string>(["CMD-SHELL", "check"]),
                        Interval = TimeSpan.FromSeconds(1),
                        Timeout = TimeSpan.FromSeconds(2),
                        StartPeriod = TimeSpan.FromSeconds(4),
                        Retries = 3,
                    },
                },
            },
        }, spec);
    }

    [Fact]
    public void Networks_and_ports_of_every_node_reach_the_spec()
    {
        var spec = Create("--network front --network name=back,alias=db,ip=10.130.0.9 --endpoint-mode vip -p 8080:80 -p 53/udp nginx:1");
        Assert.Equal<ValueList<NetworkAttachment>>(
            [new NetworkAttachment { Target = "front" }, new NetworkAttachment { Target = "back", Aliases = ["db"], Address = IPAddress.Parse("10.130.0.9") }], spec.Task.Networks);
        Assert.Equal<ValueList<PublishedPort>>([new PublishedPort("", PortProtocol.Tcp, 80, 8080), new PublishedPort("", PortProtocol.Udp, 53, 0)], spec.Endpoint.Ports);
        Assert.Equal((NetworkMode.Host, true), (Create("--network host nginx:1").Task.Network, Create("--network host nginx:1").Task.Networks.IsEmpty));

        var networked = Before with { Task = Before.Task with { Networks = [new NetworkAttachment { Target = "id-of-front" }] }, Endpoint = new EndpointSpec { Ports = [new PublishedPort("", PortProtocol.Tcp, 80, 8080)] } };
        Assert.Equal(["back"], Edited(networked, "--network-add back --network-rm front").Task.Networks.Select(attachment => attachment.Target));
        Assert.Equal(["front"], Edited(networked, "--network-add front").Task.Networks.Select(attachment => attachment.Target));
        Assert.True(Edited(networked, "--publish-rm 80").Endpoint.Ports.IsEmpty);
        Assert.Equal(EndpointMode.Dnsrr, Edited(networked, "--endpoint-mode dnsrr").Endpoint.Mode);
    }

    [Theory]
    [InlineData("", "unchanged")]
    [InlineData("--image web:2", "image=web:2")]
    [InlineData("--args 'run now'", "args=run|now")]
    [InlineData("--env-add A=9 --env-add C=3 --env-rm B", "env=A=9|C=3")]
    [InlineData("--env-rm NONE", "unchanged")]
    [InlineData("--label-add a=2 --label-rm b", "labels=a=2")]
    [InlineData("--publish-add published=81,target=80,mode=host --publish-rm 53/udp", "ports=8080:80/Tcp|81:80/Tcp")]
    [InlineData("--mount-rm /data", "mounts=")]
    [InlineData("--constraint-rm 'node.role == worker'", "constraints=")]
    [InlineData("--cap-drop NET_ADMIN", "caps=/NET_ADMIN")]
    [InlineData("--no-healthcheck", "health=NONE")]
    [InlineData("--health-retries 5", "health= 5")]
    [InlineData("--replicas 7", "replicas=7")]
    [InlineData("--force", "force=1")]
    [InlineData("--read-only=false", "unchanged")]
    public void An_update_changes_what_its_flags_name_and_nothing_else(string line, string expected) =>
        Assert.Equal(expected, Difference(Update(line)));

    [Theory]
    [InlineData("registry.example:5000/team/web:1@sha256:0123", "web-abcde")]
    [InlineData("busybox", "busybox-abcde")]
    [InlineData("_", "service-abcde")]
    public void A_service_without_a_name_is_named_after_its_image(string image, string name) =>
        Assert.Equal(name, ServiceFlags.NameOf(image, "abcde"));

    private static ServiceSpec Before { get; } = new()
    {
        Name = "web",
        Labels = ValueMap.From([new("a", "1"), new("b", "1")]),
        Mode = new ServiceMode.Replicated(2),
        Task = new TaskSpec
        {
            Placement = new Placement { Constraints = ValueList.Create<Constraint>([new Constraint("node.role", true, "worker")]) },
            Ports = ValueList.Create<PortConfig>([new PortConfig(80, 8080), new PortConfig(53, 53, PortProtocol.Udp)]),
            Container = new ContainerSpec
            {
                Image = "web:1",
                Env = ValueList.Create<string>(["A=1", "B=2"]),
                Mounts = ValueList.Create<Mount>([new Mount { Type = MountType.Volume, Source = "d", Target = "/data" }]),
                CapAdd = ValueList.Create<string>(["NET_ADMIN"]),
            },
        },
    };

    // Names what differs, so that a change nobody asked for shows as a second entry.
    private static string Difference(ServiceSpec after)
    {
        var (old, now) = (Before.Task.Container, after.Task.Container);
        var all = new List<string>();
        void Add(bool differs, Func<string> text)
        {
            if (differs)
                all.Add(text());
        }
        Add(old.Image != now.Image, () => $"image={now.Image}");
        Add(old.Args != now.Args, () => $"args={string.Join('|', now.Args)}");
        Add(old.Env != now.Env, () => $"env={string.Join('|', now.Env)}");
        Add(!Before.Labels.Equals(after.Labels), () => $"labels={string.Join('|', after.Labels.Select(label => $"{label.Key}={label.Value}"))}");
        Add(Before.Task.Ports != after.Task.Ports, () => $"ports={string.Join('|', after.Task.Ports.Select(port => $"{port.Published}:{port.Target}/{port.Protocol}"))}");
        Add(old.Mounts != now.Mounts, () => $"mounts={string.Join('|', now.Mounts)}");
        Add(Before.Task.Placement != after.Task.Placement, () => $"constraints={string.Join('|', after.Task.Placement.Constraints)}");
        Add(old.CapAdd != now.CapAdd || old.CapDrop != now.CapDrop, () => $"caps={string.Join('|', now.CapAdd)}/{string.Join('|', now.CapDrop)}");
        Add(old.Healthcheck != now.Healthcheck, () => $"health={string.Join('|', now.Healthcheck!.Test)}{(now.Healthcheck.Retries > 0 ? $" {now.Healthcheck.Retries}" : "")}");
        Add(Before.Mode != after.Mode, () => $"replicas={((ServiceMode.Replicated)after.Mode).Replicas}");
        Add(Before.Task.ForceUpdate != after.Task.ForceUpdate, () => $"force={after.Task.ForceUpdate}");
        return all.Count == 0 && after == Before ? "unchanged" : string.Join(" ", all);
    }

    private static ServiceSpec Create(string line)
    {
        var flags = new ServiceFlags(isUpdate: false, name => name == "B" ? "from here" : null);
        var words = ServiceCreate.Words();
        return flags.Create(Parse(line, flags, words, out var parse), parse.GetValue(words)!, image => ServiceFlags.NameOf(image, "abcde"));
    }

    private static ServiceSpec Edited(ServiceSpec spec, string line)
    {
        var flags = new ServiceFlags(isUpdate: true, _ => null);
        return flags.Update(Parse(line, flags, null, out _), spec, name => $"id-of-{name}");
    }

    private static ServiceSpec Update(string line)
    {
        var flags = new ServiceFlags(isUpdate: true, _ => null);
        return flags.Update(Parse(line, flags, null, out _), Before, name => name);
    }

    private static ParseResult Parse(string line, ServiceFlags flags, Argument? words, out ParseResult parse)
    {
        var command = new RootCommand();
        foreach (var option in flags.Options)
            command.Options.Add(option);
        if (words is not null)
            command.Arguments.Add(words);
        Assert.True(Berth.Stacks.Values.ShellWords.TrySplit(line, out var arguments, out _, out _));
        parse = command.Parse(arguments);
        Assert.Empty(parse.Errors);
        return parse;
    }
}
