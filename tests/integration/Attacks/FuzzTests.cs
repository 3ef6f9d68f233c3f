using System.Security.Cryptography;
using Berth.Identity;
using Berth.Protocol.V1;
using Berth.Protocol;
using Berth.Tests.Integration.Identity;
using Berth.Tests.Integration.Manager;
using Google.Protobuf;
using Grpc.Core;
using Xunit.Abstractions;
using NodeRole = Berth.Protocol.V1.NodeRole;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Attacks;

/// <summary>Who has a certificate sends what no program of ours would: the manager says what is wrong with it, stays up, keeps its
/// memory and goes on answering.</summary>
/// <remarks>Bytes of strangers before any certificate: <see cref="Access.AbuseTests"/>.</remarks>
public sealed class FuzzTests(ITestOutputHelper output)
{
    private const long LargestGrowthBytes = 400 << 20;
    private const int Rounds = 400;

    [Fact]
    public async Task Broken_messages_of_an_admin_are_refused_and_nothing_of_the_managers_inside_is_told()
    {
        var random = Seeded();
        await using var manager = await ClusterManager.StartAsync();
        using var admin = manager.Raw(await manager.AdmitAsync("ann", "admin"));
        var samples = Samples();
        await SendAsync(admin, samples[0].Path, Attackers.Framed(samples[0].Message.ToByteArray()));
        var before = manager.Process.Memory;

        for (var round = 0; round < Rounds; round++)
        {
            var (path, message) = samples[random.Next(samples.Length)];
            await SendAsync(admin, path, Broken(random, message.ToByteArray(), round));
        }
        // Larger than any message may be; the length is believed before the bytes are there.
        foreach (var size in new[] { 17 << 20, 40 << 20 })
            Assert.NotEqual(StatusCode.OK, (await admin.SendAsync("/berth.v1.Control/DeployStack", Attackers.Framed(new byte[size]))).StatusCode);
        Assert.NotEqual(StatusCode.OK, (await admin.SendAsync("/berth.v1.Control/DeployStack", Attackers.Framed(new byte[100], claimed: int.MaxValue))).StatusCode);

        Assert.True(manager.Process.IsRunning);
        Assert.True(manager.Process.Memory - before < LargestGrowthBytes, $"memory grew from {before} to {manager.Process.Memory} bytes");
        await manager.Process.Client.CreateServiceAsync(new CreateServiceRequest { Spec = Specs.Service("after") });
        NothingBroke(manager);
    }

    [Fact]
    public async Task Broken_and_oversized_words_of_an_agent_end_its_session_and_no_more()
    {
        var random = Seeded();
        await using var manager = await ClusterManager.StartAsync();
        var member = await manager.JoinAsync(await manager.TokenAsync());
        using var agent = manager.Raw(member.Tls);
        var before = manager.Process.Memory;
        for (var round = 0; round < Rounds; round++)
        {
            var words = Enumerable.Range(0, random.Next(1, 4)).Select(at => Attackers.Framed(Mutated(random, Word(random, member, at == 0 && round % 3 != 0))));
            await SendAsync(agent, "/berth.v1.Dispatcher/Session", [.. words.SelectMany(word => word)]);
            await SendAsync(agent, "/berth.v1.Dispatcher/Relay", Attackers.Framed(Mutated(random, new RelayFromAgent { RelayId = "5k0q3s7m1x9d2w4z6b8c0f1g2" }.ToByteArray())));
        }

        // What is written down of a node must not fill the cluster's store.
        foreach (var (what, change) in TooLarge())
        {
            var description = new NodeDescription { Hostname = "agent", Address = "127.0.0.1" };
            change(description);
            var register = new AgentMessage { Register = new Register { NodeId = member.Node.ToString(), Description = description } };
            var status = await SendAsync(agent, "/berth.v1.Dispatcher/Session", Attackers.Framed(register.ToByteArray()));
            Assert.True(status.StatusCode == StatusCode.InvalidArgument, $"{what}: {status}");
        }
        Assert.True(manager.Process.IsRunning);
        Assert.True(manager.Process.Memory - before < LargestGrowthBytes, $"memory grew from {before} to {manager.Process.Memory} bytes");
        using var session = await manager.SessionAsync(member);
        Assert.Equal(NodeRole.Worker, (await manager.Process.Client.ListNodesAsync(new ListNodesRequest())).Nodes.Single(node => node.Node.Id == member.Node.ToString()).Node.Spec.Role);
        NothingBroke(manager);
    }

    private Random Seeded()
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        return new Random(seed);
    }

    private static async Task<Status> SendAsync(HttpClient client, string path, byte[] body)
    {
        var status = await client.SendAsync(path, body);
        // A status of our own making, or the stream was broken off: never an exception that nobody expected.
        Assert.True(
            status.StatusCode != StatusCode.Unknown && !status.Detail.Contains("this is a bug", StringComparison.Ordinal) && !status.Detail.Contains("   at ", StringComparison.Ordinal),
            $"{path} answered {status} to {Convert.ToHexString(body.AsSpan(0, Math.Min(body.Length, 2_000)))}");
        return status;
    }

    private static void NothingBroke(ClusterManager manager)
    {
        Assert.DoesNotContain("   at ", manager.Process.Said);
        Assert.DoesNotContain("Unhandled", manager.Process.Said);
    }

    private static (string Path, IMessage Message)[] Samples()
    {
        var service = Specs.Service("web", spec =>
        {
            spec.Labels["a"] = "b";
            spec.Task.Container.Env.Add("A=b");
            spec.Task.Container.Mounts.Add(new Mount { Type = MountType.Volume, Source = "data", Target = "/data" });
            spec.Task.Ports.Add(new PortConfig { Target = 80, Published = 8080 });
            spec.Update = new UpdateConfig { Parallelism = 2, MaxFailureRatio = 0.5f };
            spec.Task.Restart = new RestartPolicy { MaxAttempts = 3 };
        });
        return
        [
            ("/berth.v1.Control/CreateService", new CreateServiceRequest { Spec = service }),
            ("/berth.v1.Control/DeployStack", Specs.Deploy("shop", Specs.Service("shop_web", spec => spec.Labels["a"] = "b"))),
            ("/berth.v1.Control/UpdateService", new UpdateServiceRequest { Id = "web", Version = 3, Spec = service }),
            ("/berth.v1.Control/ScaleServices", new ScaleServicesRequest { Scales = { new ScaleServicesRequest.Types.Scale { Service = "web", Replicas = 3 } } }),
            ("/berth.v1.Control/RemoveServices", new RemoveServicesRequest { Services = { "web" } }),
            ("/berth.v1.Control/ListTasks", new ListTasksRequest { Services = { "web" } }),
            ("/berth.v1.Control/UpdateNode", new UpdateNodeRequest { Node = "first", LabelsAdd = { ["a"] = "b" } }),
            ("/berth.v1.Control/Logs", new LogsRequest { Target = "web", Tail = 3, Since = new() { Seconds = 5 } }),
            ("/berth.v1.ClusterAdmin/CreateClient", new CreateClientRequest { Name = "bob", Role = "viewer", SigningRequest = ByteString.CopyFrom(new byte[200]) }),
            ("/berth.v1.Enrollment/Enroll", new EnrollRequest { Token = "BERTH-1-x-y", Hostname = "h", Address = "10.0.0.1", SigningRequest = ByteString.CopyFrom(new byte[200]) }),
            ("/berth.v1.Enrollment/Renew", new RenewRequest { Trusted = { "x" }, SigningRequest = ByteString.CopyFrom(new byte[200]) }),
        ];
    }

    private static byte[] Word(Random random, Member member, bool isFirst) => (isFirst ? 0 : random.Next(4)) switch
    {
        0 => new AgentMessage
        {
            Register = new Register
            {
                NodeId = member.Node.ToString(), Epoch = random.Next(3), Role = NodeRole.Manager,
                Description = new NodeDescription { Hostname = "agent", Address = "127.0.0.1", EngineLabels = { ["a"] = "b" } },
                Tasks = { Report(random) }, Level = ReleaseLevel.Own,
            },
        }.ToByteArray(),
        1 => new AgentMessage { Status = new StatusReport { Tasks = { Report(random), Report(random) } } }.ToByteArray(),
        2 => new AgentMessage { Description = new NodeDescription { Hostname = "agent", Capacity = new Resources { MemoryBytes = random.NextInt64() } } }.ToByteArray(),
        _ => new AgentMessage { Heartbeat = new Heartbeat { Answer = true } }.ToByteArray(),
    };

    private static TaskReport Report(Random random) => new()
    {
        TaskId = "5k0q3s7m1x9d2w4z6b8c0f1g2", State = (TaskState)random.Next(1_000), AgeNs = random.NextInt64(), RunningAgeNs = -random.NextInt64(),
        Local = new LocalAttempt { Root = "5k0q3s7m1x9d2w4z6b8c0f1g3", Generation = random.Next(), MadeAgeNs = random.NextInt64(), StartsInNs = random.NextInt64() },
    };

    private static Dictionary<string, Action<NodeDescription>> TooLarge() => new()
    {
        ["labels of 8 MiB"] = description => description.EngineLabels["a"] = new string('x', 8 << 20),
        ["100,000 labels"] = description => description.EngineLabels.Add(Enumerable.Range(0, 100_000).ToDictionary(number => $"l{number}", _ => "")),
        ["100,000 warnings"] = description => description.Warnings.Add(Enumerable.Repeat("disk", 100_000)),
        ["a host name of 1 MiB"] = description => description.Hostname = new string('x', 1 << 20),
        ["a host name that climbs"] = description => description.Hostname = "../../etc/passwd",
        ["a host name of two lines"] = description => description.Hostname = "a\nroot",
    };

    // Bytes that break a rule of gRPC or of protobuf each.
    private static byte[] Broken(Random random, byte[] message, int round) => (round % 10) switch
    {
        0 => RandomNumberGenerator.GetBytes(random.Next(1, 3_000)),
        1 => Attackers.Framed(message, claimed: message.Length + random.Next(1, 100_000)),
        2 => Attackers.Framed(message, claimed: random.Next(0, message.Length)),
        3 => Attackers.Framed(message, claimed: -random.Next(1, int.MaxValue)),
        4 => Attackers.Framed(message, compressed: 1),
        5 => Attackers.Framed(Noise(random)),
        6 => Attackers.Framed([.. Enumerable.Repeat((byte)0x0b, 20_000)]),
        7 => [.. Attackers.Framed(message), .. Attackers.Framed(message), .. RandomNumberGenerator.GetBytes(20)],
        _ => Attackers.Framed(Mutated(random, message)),
    };

    private static byte[] Mutated(Random random, byte[] message)
    {
        var bytes = message.ToList();
        for (var change = random.Next(0, 6); change > 0; change--)
        {
            var at = random.Next(bytes.Count + 1);
            switch (random.Next(4))
            {
                case 0 when at < bytes.Count:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes.Insert(at, (byte)random.Next(256));
                    break;
                case 2:
                    bytes.RemoveRange(at, Math.Min(random.Next(20), bytes.Count - at));
                    break;
                default:
                    bytes.InsertRange(at, bytes.Take(random.Next(bytes.Count)).ToList());
                    break;
            }
        }
        return [.. bytes];
    }

    private static byte[] Noise(Random random)
    {
        var noise = new byte[random.Next(1, 5_000)];
        random.NextBytes(noise);
        return noise;
    }
}
