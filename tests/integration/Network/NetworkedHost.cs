using System.Net;
using Berth.Model;
using Berth.Model.Networks;
using Berth.Protocol;
using Berth.Protocol.V1;
using Berth.Tests.Integration.Agent;
using NetworkAttachment = Berth.Model.Networks.NetworkAttachment;
using NodeNetwork = Berth.Model.Networks.NodeNetwork;
using RemoteSlice = Berth.Model.Networks.RemoteSlice;
using Task = System.Threading.Tasks.Task;
using TaskReport = Berth.Protocol.V1.TaskReport;
using TaskSpec = Berth.Model.TaskSpec;
using TaskState = Berth.Model.TaskState;

namespace Berth.Tests.Integration.Network;

/// <summary>A host with an engine that knows the runtime <c>berth</c>, its agent, and a manager that says what a test wants of networks.</summary>
public sealed class NetworkedHost : IAsyncDisposable
{
    private readonly string _directory;
    private long _told;

    private NetworkedHost(int number, TestEngine engine, string directory)
    {
        Number = number;
        Engine = engine;
        _directory = directory;
        Manager = new TestManager(Path.Combine(directory, "manager.sock"));
        Agent = new TestAgent(engine.Socket, Path.Combine(directory, "manager.sock"), Path.Combine(directory, "data")) { NetworkNamespace = engine.NetworkNamespace };
    }

    public int Number { get; }

    public TestEngine Engine { get; }

    public TestManager Manager { get; }

    public TestAgent Agent { get; }

    public static async Task<NetworkedHost> StartAsync(int number)
    {
        var engine = new TestEngine { More = ["--add-runtime", $"berth={Wrapper()}"] };
        await engine.InitializeAsync();
        engine.Require();
        var directory = Path.Combine(engine.Directory, "agent");
        Directory.CreateDirectory(directory);
        var host = new NetworkedHost(number, engine, directory);
        await host.Manager.StartAsync();
        host.Agent.Start();
        await Wait.UntilAsync("the agent says that it can have networks",
            () => Task.FromResult(host.Manager.Description is { Networking.Way: "runtime" }), () => $"{host.Manager.Description?.Networking}\n{host.Agent.Log}");
        return host;
    }

    /// <summary>A cable between two hosts; each gets the address 10.9.9.NUMBER.</summary>
    public static void Connect(NetworkedHost left, NetworkedHost right)
    {
        TestEngine.Run("nsenter", $"--net={left.Engine.NetworkNamespace}", "ip", "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", Path.GetFileName(right.Engine.NetworkNamespace));
        foreach (var host in new[] { left, right })
        {
            TestEngine.Run("nsenter", $"--net={host.Engine.NetworkNamespace}", "ip", "addr", "add", $"10.9.9.{host.Number}/24", "dev", "cable");
            TestEngine.Run("nsenter", $"--net={host.Engine.NetworkNamespace}", "ip", "link", "set", "cable", "up");
        }
    }

    /// <summary>Tells the agent of networks, as the leader would.</summary>
    public void Tell(params NodeNetwork[] networks)
    {
        var peer = Number == 1 ? 2 : 1;
        var known = ScratchHost.State(0, networks).Wanted with { Self = ScratchHost.Peer(Number) };
        known = known with { Peers = known.Peers.Add(ScratchHost.Peer(peer).NodeId, ScratchHost.Peer(peer)) };
        Manager.Say(new ManagerMessage { Networks = known.ToWire(++_told) });
    }

    /// <summary>A network of which this host has a slice, and the other host too.</summary>
    public NodeNetwork Network(int number) => ScratchHost.Network(number) with
    {
        Slices = [Slice(number, Number)],
        Remote = [new RemoteSlice(Slice(number, 3 - Number), 3 - Number)],
    };

    /// <summary>Assigns a task in networks.</summary>
    public string Assign(string script, params int[] networks) => Manager.Assign(new TaskSpec
    {
        Container = new Berth.Model.ContainerSpec { Image = "box:1", Command = ["/bin/sh", "-c"], Args = [script], StopGracePeriod = TimeSpan.FromSeconds(1) },
        Networks = [.. networks.Select(network => new NetworkAttachment { Target = new NetworkId((UInt128)network).ToString() })],
    });

    public async Task<TaskReport> RunsAsync(string task) => await Manager.UntilAsync(task, TaskState.Running);

    /// <summary>What a program in the host's network prints.</summary>
    public async Task<string> RunAsync(params string[] command) =>
        (await BerthProgram.RunToolAsync("nsenter", [$"--net={Engine.NetworkNamespace}", .. command])).Output;

    public async ValueTask DisposeAsync()
    {
        Agent.Dispose();
        await Manager.DisposeAsync();
        await Engine.DisposeAsync();
        // What an agent keeps outlives it, until its next start.
        foreach (var mount in (await File.ReadAllLinesAsync("/proc/self/mountinfo")).Select(line => line.Split(' ')[4]).Where(path => path.StartsWith("/run/berth/netns/" + Manager.Registered?.NodeId, StringComparison.Ordinal)))
            TestEngine.Run("umount", "-l", mount);
        if (Directory.Exists("/run/berth/netns/" + Manager.Registered?.NodeId))
            Directory.Delete("/run/berth/netns/" + Manager.Registered?.NodeId, recursive: true);
    }

    private static IPNetwork Slice(int network, int host) => IPNetwork.Parse($"10.130.{16 * network + host}.0/26");

    // The program that was built with these tests.
    private static string Wrapper() => TestAgent.Built().Replace("src/Agent", "src/Runc", StringComparison.Ordinal).Replace("berth-agent.dll", "berth-runc", StringComparison.Ordinal);
}
