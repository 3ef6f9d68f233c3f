using Berth.Cli.Output;
using Berth.Cli.Output.Lists;
using Berth.Protocol.V1;
using static Berth.Tests.Cli.Output.Rows;

namespace Berth.Tests.Cli.Output;

/// <summary>Tables and JSON, compared with what they are to look like.</summary>
public sealed class ListsTests
{
    private const string LongId = "0123456789abcdefghijklmno";

    [Fact]
    public void Services_are_listed_as_docker_lists_them()
    {
        var web = new ServiceSummary
        {
            Running = 2,
            Desired = 3,
            Service = new Service
            {
                Id = LongId,
                Spec = new ServiceSpec
                {
                    Name = "shop_web",
                    Replicated = new ReplicatedMode { Replicas = 3 },
                    Labels = { ["com.docker.stack.namespace"] = "shop" },
                    Task = new TaskSpec
                    {
                        Container = new ContainerSpec { Image = "nginx:1@sha256:00ff" },
                        Placement = new Placement { MaxReplicasPerNode = 2 },
                        Ports = { new PortConfig { Target = 80, Published = 8080 }, new PortConfig { Target = 53, Protocol = PortProtocol.Udp } },
                    },
                },
                Rollout = new Rollout { State = RolloutState.Paused },
            },
        };
        var agent = new ServiceSummary
        {
            Running = 3,
            Desired = 3,
            Service = new Service { Id = "b".PadRight(25, '1'), Spec = new ServiceSpec { Name = "agent", Global = new GlobalMode(), Task = new TaskSpec { Container = new ContainerSpec { Image = "busybox" } } } },
        };
        ServiceLine[] lines = [ServiceLine.Of(web), ServiceLine.Of(agent)];

        Assert.Equal("""
            ID             NAME       MODE         REPLICAS               IMAGE     PORTS
            0123456789ab   shop_web   replicated   2/3 (max 2 per node)   nginx:1   53/udp, *:8080->80/tcp
            b11111111111   agent      global       3/3                    busybox

            """, ServiceLine.Listing(false).Render(lines, new ListFormat.Table(), false, null));
        Assert.Equal("""
            [
                {
                    "ID": "0123456789abcdefghijklmno",
                    "Name": "shop_web",
                    "Mode": "replicated",
                    "Replicas": "2/3 (max 2 per node)",
                    "Image": "nginx:1@sha256:00ff",
                    "Ports": "53/udp, *:8080->80/tcp",
                    "Running": 2,
                    "Desired": 3,
                    "UpdateState": "paused",
                    "Stack": "shop"
                }
            ]

            """, ServiceLine.Listing(false).Render([lines[0]], new ListFormat.Json(), false, null));
        Assert.Equal("shop_web 2\nagent 3\n", ServiceLine.Listing(false).Render(lines, ListFormat.Parse("{{.Name}} {{.Running}}"), false, null));
    }

    [Fact]
    public void An_empty_list_is_an_empty_json_array_and_only_headings()
    {
        Assert.Equal("[]\n", NodeLine.Listing.Render([], new ListFormat.Json(), false, null));
        Assert.Equal("NAME   SERVICES   REPLICAS\n", StackLine.Listing.Render([], new ListFormat.Table(), false, null));
    }

    [Fact]
    public void Tasks_are_listed_with_their_history_and_their_reasons()
    {
        TaskRow[] rows =
        [
            Task("web.1", TaskState.Running, "berth1", id: LongId, agoSeconds: 125, ports: new PortConfig { Target = 80, Published = 8080 }),
            Task("web.1", TaskState.Failed, "berth2", err: "task: non-zero exit (1)", id: "y".PadRight(25, '0'), agoSeconds: 4000, desired: TaskState.Shutdown, image: "web:0"),
            Task("web.2", TaskState.Pending, err: "no suitable node\n(scheduling constraints not satisfied on 3 nodes)", id: "z".PadRight(25, '0'), agoSeconds: 5),
        ];

        var lines = TaskLine.Of(rows, Now);

        Assert.Equal("""
            ID             NAME        IMAGE   NODE     DESIRED STATE   CURRENT STATE              ERROR                                                                  PORTS
            0123456789ab   web.1       web:1   berth1   Running         Running 2 minutes ago                                                                             *:8080->80/tcp
            y00000000000    \_ web.1   web:0   berth2   Shutdown        Failed about an hour ago   "task: non-zero exit (1)"
            z00000000000   web.2       web:1            Running         Pending 5 seconds ago      "no suitable node (scheduling constraints not satisfied on 3 nodes)"

            """, TaskLine.Listing(false).Render(lines, new ListFormat.Table(), false, null));
        Assert.Equal("""
            ID             NAME        IMAGE   NODE     DESIRED STATE   CURRENT STATE              ERROR                            PORTS
            0123456789ab   web.1       web:1   berth1   Running         Running 2 minutes ago                                       *:8080->80/tcp
            y00000000000    \_ web.1   web:0   berth2   Shutdown        Failed about an hour ago   "task: non-zero exit (1)"
            z00000000000   web.2       web:1            Running         Pending 5 seconds ago      "no suitable node (scheduling…

            """, TaskLine.Listing(false).Render(lines, new ListFormat.Table(), false, 120));
        Assert.Equal($"{LongId}\n", TaskLine.Listing(false).Render([lines[0]], new ListFormat.Table(), quiet: true, null));
        Assert.Equal($"[\n    \"{LongId}\"\n]\n", TaskLine.Listing(false).Render([lines[0]], new ListFormat.Json(), quiet: true, null));
    }

    [Fact]
    public void A_task_that_was_told_to_stop_says_why_but_that_is_no_error()
    {
        var row = Task("web.1", TaskState.Shutdown, "berth1", message: "stopped", desired: TaskState.Shutdown, agoSeconds: 5);
        row.Task.StopReason = "its node is drained";

        var line = Assert.Single(TaskLine.Of([row], Now));

        Assert.Equal(("", "its node is drained", "stopped"), (line.Error, line.StopReason, line.Message));
        Assert.Contains("Shutdown 5 seconds ago   its node is drained", TaskLine.Listing(false).Render([line], new ListFormat.Table(), false, null));
    }

    [Fact]
    public void Nodes_are_listed_as_docker_lists_them()
    {
        NodeSummary Node(string name, NodeState state, NodeRole role, NodeAvailability availability) => new()
        {
            Node = new Node
            {
                Id = LongId,
                Spec = new NodeSpec { Role = role, Availability = availability },
                Description = new NodeDescription { Hostname = name, EngineVersion = "20.10.24", Address = "10.0.0.1" },
                Status = new NodeStatus { State = state, Message = "silent for 3 s" },
            },
        };

        Assert.Equal("""
            ID                          HOSTNAME   STATUS         AVAILABILITY   MANAGER STATUS   ENGINE VERSION
            0123456789abcdefghijklmno   berth1     Ready          Active         Leader           20.10.24
            0123456789abcdefghijklmno   berth2     Down           Drain                           20.10.24
            0123456789abcdefghijklmno   berth3     Disconnected   Pause          Unreachable      20.10.24

            """, NodeLine.Listing.Render(
                [
                    NodeLine.Of(Node("berth1", NodeState.Ready, NodeRole.Manager, NodeAvailability.Active), isOnlyManager: true),
                    NodeLine.Of(Node("berth2", NodeState.Down, NodeRole.Worker, NodeAvailability.Drain)),
                    NodeLine.Of(Node("berth3", NodeState.Disconnected, NodeRole.Manager, NodeAvailability.Pause)),
                ], new ListFormat.Table(), false, null));
    }

    [Fact]
    public void Nobody_is_called_the_leader_where_no_manager_could_say_who_leads()
    {
        var node = new NodeSummary
        {
            Node = new Node { Id = "n1", Spec = new NodeSpec { Role = NodeRole.Manager }, Description = new NodeDescription(), Status = new NodeStatus { State = NodeState.Ready } },
        };

        Assert.Equal("Unknown", NodeLine.Of(node).ManagerStatus);
        Assert.Equal("Unknown", NodeLine.Of(node, new ClusterStatus { Locked = true }).ManagerStatus);
        Assert.Equal("Leader", NodeLine.Of(node, isOnlyManager: true).ManagerStatus);
    }

    [Theory]
    [InlineData(true, "reachable", "Leader")]
    [InlineData(false, "reachable", "Reachable")]
    [InlineData(true, "unreachable", "Unreachable")]
    [InlineData(false, "unknown", "Unknown")]
    [InlineData(false, "leaving", "Leaving")]
    public void A_managers_status_is_what_managers_say_of_one_another(bool leads, string reachability, string expected)
    {
        static NodeSummary Node(string id) => new()
        {
            Node = new Node { Id = id, Spec = new NodeSpec { Role = NodeRole.Manager }, Description = new NodeDescription(), Status = new NodeStatus { State = NodeState.Down } },
        };
        var node = Node("n1");
        var cluster = new ClusterStatus { Managers = { new ManagerStatus { NodeId = node.Node.Id, Leader = leads, Reachability = reachability } } };

        Assert.Equal(expected, NodeLine.Of(node, cluster).ManagerStatus);
        Assert.Equal("", NodeLine.Of(Node("n2"), cluster).ManagerStatus);
    }
}
