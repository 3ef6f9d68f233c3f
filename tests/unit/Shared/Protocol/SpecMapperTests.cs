using System.Net;
using Berth.Model;
using Berth.Model.Networks;
using Berth.Protocol;

namespace Berth.Tests.Shared.Protocol;

public sealed class SpecMapperTests
{
    private static readonly ServiceSpec Full = new()
    {
        Name = "shop_web",
        Labels = ValueMap.Of("tier", "front"),
        Mode = new ServiceMode.Replicated(7),
        Update = new UpdateConfig
        {
            Parallelism = 3,
            Delay = TimeSpan.FromSeconds(2),
            FailureAction = FailureAction.Rollback,
            Monitor = TimeSpan.FromSeconds(9),
            MaxFailureRatio = 0.25,
            Order = UpdateOrder.StartFirst,
        },
        Endpoint = new EndpointSpec { Mode = EndpointMode.Dnsrr, Ports = [new PublishedPort("http", PortProtocol.Udp, 80, 8080)] },
        Rollback = new UpdateConfig { Parallelism = 0, Order = UpdateOrder.StopFirst, FailureAction = FailureAction.Continue },
        Task = new TaskSpec
        {
            Container = new ContainerSpec
            {
                Image = "web:1",
                Command = ["/bin/web"],
                Args = ["-v"],
                Env = ["A=1", "B"],
                Labels = ValueMap.Of("c", "d"),
                Hostname = "h",
                Dir = "/srv",
                User = "1000:1000",
                StopSignal = "SIGINT",
                StopGracePeriod = TimeSpan.FromSeconds(3),
                Healthcheck = new Healthcheck
                {
                    Test = ["CMD", "true"],
                    Interval = TimeSpan.FromSeconds(1),
                    Timeout = TimeSpan.FromMilliseconds(500),
                    StartPeriod = TimeSpan.FromSeconds(4),
                    Retries = 5,
                },
                Mounts =
                [
                    new Mount
                    {
                        Type = MountType.Volume, Source = "v", Target = "/v", ReadOnly = true, Driver = "local", NoCopy = true,
                        DriverOptions = ValueMap.Of("o", "p"), VolumeLabels = ValueMap.Of("l", "m"),
                    },
                    new Mount { Type = MountType.Bind, Source = "/b", Target = "/c", Propagation = "rslave" },
                    new Mount { Type = MountType.Tmpfs, Target = "/t", TmpfsBytes = 1 << 20 },
                ],
                Init = true,
                ReadOnly = true,
                Tty = true,
                OpenStdin = true,
                CapAdd = ["NET_ADMIN"],
                CapDrop = ["ALL"],
            },
            Resources = new ResourceRequirements { Limits = new Limits(1, 2, 3), Reservations = new Resources(4, 5) },
            Restart = new RestartPolicy
            {
                Condition = RestartCondition.OnFailure,
                Delay = TimeSpan.FromSeconds(1),
                MaxAttempts = 2,
                Window = TimeSpan.FromMinutes(1),
            },
            Placement = new Placement
            {
                Constraints = [new Constraint("node.role", true, "worker")],
                Spread = ["node.labels.zone"],
                MaxReplicasPerNode = 2,
            },
            Network = NetworkMode.Host,
            Ports = [new PortConfig(80, 8080, PortProtocol.Udp)],
            ForceUpdate = 4,
            Networks = [new NetworkAttachment { Target = "front", Aliases = ["www"], Address = IPAddress.Parse("10.130.0.9") }],
        },
    };

    [Fact]
    public void A_spec_survives_the_wire_whole() => Assert.Equal(Full, Full.ToWire().ToModel());

    [Fact]
    public void Null_and_default_are_kept_apart()
    {
        var sparse = new ServiceSpec
        {
            Name = "x",
            Mode = new ServiceMode.Global(),
            Task = new TaskSpec { Container = new ContainerSpec { Image = "i", Init = false, Hostname = "" } },
        };
        var back = sparse.ToWire().ToModel();
        Assert.Equal(sparse, back);
        Assert.Null(back.Task.Container.StopGracePeriod);
        Assert.False(back.Task.Container.Init);
        Assert.Equal("", back.Task.Container.Hostname);
    }

    // Every property differs from its default in Full, so a field the mapper forgets makes the first test fail.
    [Fact]
    public void The_full_spec_leaves_no_property_at_its_default()
    {
        var bare = new ContainerSpec { Image = "" };
        Assert.All(typeof(ContainerSpec).GetProperties().Where(property => property.CanWrite), property =>
            Assert.NotEqual(property.GetValue(bare), property.GetValue(Full.Task.Container)));
        var task = new TaskSpec { Container = bare };
        Assert.All(typeof(TaskSpec).GetProperties().Where(property => property.CanWrite), property =>
            Assert.NotEqual(property.GetValue(task), property.GetValue(Full.Task)));
    }
}
