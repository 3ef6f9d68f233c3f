using System.Net;
using Berth.Manager.Networks;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Model.Networks;
using Berth.Protocol;
using CsCheck;
using Berth.Tests.Manager.Store;
using static Berth.Tests.Manager.Networks.NetworkSamples;
using static Berth.Tests.Manager.Store.Samples;

namespace Berth.Tests.Manager.Networks;

public sealed class NetworkSetsTests
{
    [Fact]
    public void What_was_told_bit_by_bit_is_what_is_told_whole() => Histories.Sample(history =>
    {
        var state = ACluster();
        var told = state.Nodes.Keys.ToDictionary(node => node, node => NetworkSets.For(state, node));
        foreach (var (what, seed) in history)
        {
            var after = Step(state, what, seed).Arranged();
            var changes = new NetworkChanges(state, after, TouchedBetween(state, after));
            foreach (var node in after.Nodes.Keys)
            {
                if (!told.ContainsKey(node))
                    told[node] = NetworkSets.For(after, node);
                else if (!changes.IsEmpty && changes.For(node, 2) is { } set)
                    told[node] = told[node].Apply(set);
                AssertSame(NetworkSets.For(after, node), told[node]);
            }
            foreach (var gone in told.Keys.Where(node => !after.Nodes.ContainsKey(node)).ToList())
                told.Remove(gone);
            state = after;
        }
    });

    [Fact]
    public void A_node_knows_the_networks_of_its_tasks_and_those_of_published_ports()
    {
        var state = ACluster().After(
            ANetwork("front"), ANetwork("back"), new Command.CreateService(ASpec("web").In("front")), new Command.CreateService(ASpec("db").In("back")),
            new Command.CreateService(ASpec("gate").Publishing(8080)));
        state = state.Running("web", node: 1).Running("db", node: 2).Running("gate", node: 3);

        var one = NetworkSets.For(state, new NodeId(1));
        Assert.Equal(["front", "ingress"], one.Networks.Values.Select(network => network.Name).Order());
        Assert.Equal(["gate", "web"], one.Services.Values.Select(service => service.Name).Order());
        Assert.Equal(2, one.Peers.Count);
        Assert.Equal((1, IPAddress.Parse("10.0.0.1")), (one.Self!.Number, one.Self.Underlay));
        var ingress = one.Networks.Values.Single(network => network.Name == "ingress");
        Assert.True(ingress.Slices.IsEmpty);
        Assert.Equal(3, Assert.Single(ingress.Remote).Node);
        var gate = one.Services.Values.Single(service => service.Name == "gate");
        Assert.Equal(3, Assert.Single(gate.Backends).Node);
        Assert.Equal(8080, Assert.Single(gate.Published).Published);
    }

    [Fact]
    public void A_backend_counts_while_its_task_runs_and_drains_once_it_is_told_to_stop()
    {
        var state = ACluster().After(ANetwork("front"), new Command.CreateService(ASpec().In("front"))).Running("web", node: 1);
        var task = Assert.Single(state.Tasks.Values).Id;
        Assert.False(Of(state).IsDraining);

        state = state.Committed(new Change.TaskDesired(task, TaskState.Shutdown, "scaled down"));
        Assert.True(Of(state).IsDraining);

        Assert.True(NetworkSets.For(state.Observe([new Change.NodeObserved(new NodeId(1), new NodeStatus(NodeState.Down, "", Noon))]), new NodeId(1)).Services.Values.Single().Backends.IsEmpty);
        Assert.True(NetworkSets.For(state.Committed(new Change.TaskEnded(task, Status(TaskState.Shutdown))), new NodeId(1)).Services.Values.All(service => service.Backends.IsEmpty));

        static Backend Of(ClusterState state) => Assert.Single(NetworkSets.For(state, new NodeId(1)).Services.Values.Single().Backends);
    }

    [Fact]
    public void Nobody_is_told_anything_before_nodes_with_tasks_were_heard_of()
    {
        var state = ACluster().After(ANetwork("front"), new Command.CreateService(ASpec().In("front"))).Running("web", node: 1);
        Assert.True(NetworkSets.IsSettled(state));
        var chunks = Snapshots.Split(state, 1 << 20).ToList();
        var restarted = Snapshots.Join(Snapshots.Header(state, 1, chunks.Count), chunks);
        Assert.False(NetworkSets.IsSettled(restarted));
        Assert.True(NetworkSets.IsSettled(restarted.Observe([new Change.NodeObserved(new NodeId(1), new NodeStatus(NodeState.Down, "", Noon))])));
    }

    // More than the store would name, as it may.
    private static Touched TouchedBetween(ClusterState before, ClusterState after) => new(
        false, new([.. before.Services.Keys, .. after.Services.Keys]), new([.. before.Nodes.Keys, .. after.Nodes.Keys]), new([.. before.Tasks.Keys, .. after.Tasks.Keys]))
    {
        Networks = new([.. before.Networks.Keys, .. after.Networks.Keys]),
    };

    private static void AssertSame(NodeNetworks expected, NodeNetworks actual)
    {
        Assert.Equal((expected.Self, expected.Pool), (actual.Self, actual.Pool));
        Assert.Equal(expected.Peers.OrderBy(pair => pair.Key), actual.Peers.OrderBy(pair => pair.Key));
        Assert.Equal(expected.Networks.OrderBy(pair => pair.Key), actual.Networks.OrderBy(pair => pair.Key));
        Assert.Equal(expected.Services.OrderBy(pair => pair.Key), actual.Services.OrderBy(pair => pair.Key));
    }
}
