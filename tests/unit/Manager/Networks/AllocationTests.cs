using System.Net;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Model.Networks;
using Berth.Protocol;
using CsCheck;
using Berth.Tests.Manager.Store;
using static Berth.Tests.Manager.Networks.NetworkSamples;
using static Berth.Tests.Manager.Store.Samples;

namespace Berth.Tests.Manager.Networks;

public sealed class AllocationTests
{
    [Fact]
    public void No_two_objects_ever_have_the_same_address_or_port() => Histories.Sample(history =>
    {
        var state = ACluster();
        foreach (var (what, seed) in history)
        {
            state = Step(state, what, seed).Arranged();
            AssertApart(state);
        }
    });

    [Fact]
    public void Once_everything_is_gone_everything_is_free() => Histories.Sample(history =>
    {
        var state = history.Aggregate(ACluster(), (state, step) => Step(state, step.What, step.Seed).Arranged());
        state = state.Observe([.. state.Nodes.Keys.Select(id => new Change.NodeObserved(id, new NodeStatus(NodeState.Ready, "", Noon)))]);
        if (!state.Services.IsEmpty)
            state = state.After(new Command.RemoveServices(state.Services.Values.Select(service => service.Spec.Name).ToValueList()));
        state = state.Committed([.. state.Tasks.Keys.Select(id => new Change.TaskRemoved(id))]).Arranged();
        if (!state.Networks.IsEmpty)
            state = state.After(new Command.RemoveNetworks(state.Networks.Values.Select(network => network.Spec.Name).ToValueList()));

        Assert.Empty(state.Networks);
        Assert.Empty(state.ServicesByNetwork);
        Assert.Empty(state.Published);
        Assert.All(state.Nodes.Values, node => Assert.True(node.Slices.IsEmpty));
        Assert.Equal(IPNetwork.Parse("10.129.0.0/20"), FreeAddresses.Subnet(state));
    });

    [Fact]
    public void What_is_arranged_is_not_due_and_a_new_leader_decides_the_same() => Histories.Sample(history =>
    {
        var state = history.Aggregate(ACluster(), (state, step) => Step(state, step.What, step.Seed));
        var nodes = state.Nodes.Keys.Order().ToValueList();
        var one = Commands.Decide(state, new Command.ArrangeNetworks(nodes), Noon, IdSource.Seeded(1));
        var chunks = Snapshots.Split(state, 1 << 20).ToList();
        var other = Snapshots.Join(Snapshots.Header(state, 1, chunks.Count), chunks)
            .Observe([.. state.Nodes.Values.Select(node => new Change.NodeObserved(node.Id, node.Status)), .. state.Tasks.Values.Where(task => !task.State.IsTerminal()).Select(task => new Change.TaskObserved(task.Id, task.Status))]);
        Assert.Equal(one.Changes.AsEnumerable(), Commands.Decide(other, new Command.ArrangeNetworks(nodes), Noon, IdSource.Seeded(2)).Changes.AsEnumerable());

        var arranged = state.Committed([.. one.Changes]);
        Assert.Empty(Commands.Decide(arranged, new Command.ArrangeNetworks(nodes), Noon, IdSource.Seeded(3)).Changes);
    });

    [Fact]
    public void A_node_that_is_down_keeps_its_addresses_until_it_is_back()
    {
        var state = ACluster().After(ANetwork("front"), new Command.CreateService(ASpec().In("front"))).Running("web", node: 1);
        var slice = Assert.Single(state.Nodes[new NodeId(1)].Slices);
        Assert.Equal((1, IPNetwork.Parse("10.129.0.64/26")), (state.Nodes[new NodeId(1)].Number, slice.Prefix));

        state = state.Observe([new Change.NodeObserved(new NodeId(1), new NodeStatus(NodeState.Down, "", Noon))]).After(new Command.RemoveServices(["web"]));
        state = state.Committed([.. state.Tasks.Keys.Select(id => new Change.TaskRemoved(id))]).Arranged();
        Assert.Equal(slice, Assert.Single(state.Nodes[new NodeId(1)].Slices));
        Assert.Contains("still has tasks on host1", state.Refused(new Command.RemoveNetworks(["front"])), StringComparison.Ordinal);

        state = state.Observe([new Change.NodeObserved(new NodeId(1), new NodeStatus(NodeState.Ready, "", Noon))]).Arranged();
        Assert.True(state.Nodes[new NodeId(1)].Slices.IsEmpty);
    }

    [Fact]
    public void A_full_slice_is_followed_by_another()
    {
        var state = ACluster(1).After(ANetwork("front"), new Command.CreateService(ASpec(replicas: 70).In("front")));
        for (var slot = 1; slot <= 63; slot++)
            state = state.Running("web", node: 1, slot);
        Assert.Equal(2, state.Nodes[new NodeId(1)].Slices.Count);
        Assert.Equal(63, state.Tasks.Values.SelectMany(task => task.Status.Addresses).Distinct().Count());
    }

    [Fact]
    public void A_service_keeps_its_addresses_through_updates_and_scaling()
    {
        var state = ACluster().After(ANetwork("front"), new Command.CreateService(ASpec().In("front").Publishing(0)));
        var endpoint = state.FindService("web")!.Endpoint;
        Assert.Equal(30_000, Assert.Single(endpoint.Ports).Published);
        Assert.True(AddressPlan.Vips(state.FindNetwork("front")!.Subnet).Contains(Assert.Single(endpoint.VirtualAddresses).Address));

        state = state.After(
            new Command.CreateService(ASpec("other").In("front").Publishing(0)), new Command.ScaleServices([("web", 5)]),
            new Command.UpdateService("web", 0, ASpec(image: "web:2").In("front").Publishing(0)), new Command.RollbackService("web"));
        Assert.Equal(endpoint, state.FindService("web")!.Endpoint);
        Assert.Equal(30_001, Assert.Single(state.FindService("other")!.Endpoint.Ports).Published);
    }

    [Fact]
    public void Published_ports_need_no_network_of_ones_own()
    {
        var state = ACluster().After(new Command.CreateService(ASpec().Publishing(8080)));
        var ingress = state.FindNetwork(NetworkSpec.Ingress)!;
        Assert.Equal(ingress.Id.ToString(), Assert.Single(state.FindService("web")!.Spec.Task.Networks).Target);

        state = state.After(new Command.UpdateService("web", 0, state.FindService("web")!.Spec with { Endpoint = EndpointSpec.Default }));
        Assert.True(state.FindService("web")!.Spec.Task.Networks.IsEmpty);
        Assert.Equal(ServiceEndpoint.None, state.FindService("web")!.Endpoint);
    }

    [Fact]
    public void What_cannot_be_is_refused_with_who_is_in_the_way_and_what_to_do()
    {
        var state = ACluster().After(ANetwork("front", "10.130.0.0/24"), new Command.CreateService(ASpec().In("front").Publishing(8080)),
            new Command.CreateService(ASpec("held") with { Task = ASpec("held").Task with { Ports = [new PortConfig(80, 9090)] } }));

        Assert.Contains("overlaps network 'front' (10.130.0.0/24)", state.Refused(ANetwork("other", "10.130.0.0/20")), StringComparison.Ordinal);
        Assert.Contains("is not in the cluster's pool 10.128.0.0/10", state.Refused(ANetwork("other", "192.168.0.0/20")), StringComparison.Ordinal);
        Assert.Contains("which the nodes themselves have", state.Refused(ANetwork("other", "10.128.16.0/20")), StringComparison.Ordinal);
        Assert.Contains("there is a network 'front' already", state.Refused(ANetwork("front")), StringComparison.Ordinal);
        Assert.Contains("there is no network 'nowhere'", state.Refused(new Command.CreateService(ASpec("new").In("nowhere"))), StringComparison.Ordinal);
        Assert.Contains("port 8080/tcp of service 'new' is taken: service 'web' publishes it on every node", state.Refused(new Command.CreateService(ASpec("new").Publishing(8080))), StringComparison.Ordinal);
        Assert.Contains("port 9090/tcp of service 'new' is taken: service 'held' publishes it on its tasks' nodes", state.Refused(new Command.CreateService(ASpec("new").Publishing(9090))), StringComparison.Ordinal);
        Assert.Contains("(mode=host) of service 'new' is taken", state.Refused(new Command.CreateService(ASpec("new") with { Task = ASpec("new").Task with { Ports = [new PortConfig(80, 8080)] } })), StringComparison.Ordinal);
        Assert.Contains("10.131.0.1 is not in network 'front'", state.Refused(new Command.CreateService(ASpec("new", replicas: 1).At("front", "10.131.0.1"))), StringComparison.Ordinal);
        Assert.Contains("is kept for the network itself", state.Refused(new Command.CreateService(ASpec("new", replicas: 1).At("front", "10.130.0.250"))), StringComparison.Ordinal);
        Assert.Contains("an address is one task's", state.Refused(new Command.CreateService(ASpec("new", replicas: 2).At("front", "10.130.0.5"))), StringComparison.Ordinal);
        Assert.Contains("is in use by 'web'", state.Refused(new Command.RemoveNetworks(["front"])), StringComparison.Ordinal);
        Assert.Contains("network-pool: network 'front'", state.Refused(new Command.UpdateSettings(null, null) { NetworkPool = IPNetwork.Parse("10.64.0.0/10") }), StringComparison.Ordinal);
        Assert.Contains("encryption between nodes is not there yet", state.Refused(new Command.CreateNetwork(new NetworkSpec { Name = "x", DriverOptions = ValueMap.Of("encrypted", "") })), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_address_that_can_be_given_is_and_then_it_is_said_that_none_is_left()
    {
        var state = ACluster().After(ANetwork("small", "10.130.0.0/26"), new Command.CreateService(ASpec("a").In("small")), new Command.CreateService(ASpec("b").In("small")));
        Assert.Contains("has no virtual address left: 2 services have one", state.Refused(new Command.CreateService(ASpec("c").In("small"))), StringComparison.Ordinal);
        Assert.Null(Commands.Decide(state, new Command.CreateService(ASpec("c").In("small") with { Endpoint = new EndpointSpec { Mode = EndpointMode.Dnsrr } }), Noon, IdSource.Seeded(1)).Refusal);

    }

    [Fact]
    public void A_static_address_is_the_tasks_own_wherever_it_runs()
    {
        var state = ACluster().After(ANetwork("front"), new Command.CreateService(ASpec("db", replicas: 1).At("front", "10.129.0.9")), new Command.CreateService(ASpec().In("front")));
        state = state.Running("web", node: 1).Running("db", node: 1);
        Assert.Contains(new NodeSlice(state.FindNetwork("front")!.Id, IPNetwork.Parse("10.129.0.9/32")), state.Nodes[new NodeId(1)].Slices);

        state = state.Committed([.. state.TasksOf(state.FindService("db")!.Id).Select(task => new Change.TaskEnded(task.Id, Status(TaskState.Failed)))]).Arranged();
        state = state.Running("db", node: 2);
        Assert.Equal(IPNetwork.Parse("10.129.0.9/32"), Assert.Single(state.Nodes[new NodeId(2)].Slices).Prefix);
        AssertApart(state);
    }

    [Fact]
    public void A_stack_brings_its_networks_and_takes_them_with_it_once_its_tasks_are_gone()
    {
        var stack = AStack("shop", ASpec("shop_web").In("shop_default")) with { Networks = [new NetworkSpec { Name = "shop_default" }] };
        var state = ACluster().After(new Command.DeployStack(stack, false));
        Assert.Equal("shop", state.FindNetwork("shop_default")!.Stack);
        Assert.Empty(Commands.Decide(state, new Command.DeployStack(stack, false), Noon, IdSource.Seeded(1)).Changes);

        state = state.Running("shop_web", node: 1).After(new Command.RemoveStack("shop")).Arranged();
        Assert.True(state.FindNetwork("shop_default")!.IsLeaving);
        Assert.Contains("goes once its tasks have stopped", state.Refused(new Command.CreateService(ASpec("x").In("shop_default"))), StringComparison.Ordinal);
        var again = state.After(new Command.DeployStack(stack, false));
        Assert.False(again.FindNetwork("shop_default")!.IsLeaving);

        state = state.Committed([.. state.Tasks.Keys.Select(id => new Change.TaskRemoved(id))]).Arranged();
        Assert.Null(state.FindNetwork("shop_default"));
    }

    [Fact]
    public void A_host_that_uses_addresses_of_the_pool_is_heeded()
    {
        var node = AnAbleNode(1);
        var state = ACluster(0).After(node with { Description = node.Description with { Networking = node.Description.Networking with { Routes = [IPNetwork.Parse("10.129.0.0/17"), IPNetwork.Parse("0.0.0.0/0")] } } });
        Assert.Equal(IPNetwork.Parse("10.129.128.0/20"), state.After(ANetwork("front")).FindNetwork("front")!.Subnet);
        Assert.Contains("which host 'host1' already has a route to", state.Refused(ANetwork("front", "10.129.16.0/20")), StringComparison.Ordinal);
    }

    [Fact]
    public void Before_all_managers_are_new_there_are_no_networks()
    {
        var state = ClusterState.Empty.After(AnAbleNode(1));
        Assert.Equal(NodeNetworking.Unknown, state.Nodes[new NodeId(1)].Description.Networking);
        Assert.Contains("upgrade all managers first", state.Refused(ANetwork("front")), StringComparison.Ordinal);
        Assert.Contains("upgrade all managers first", state.Refused(new Command.CreateService(ASpec().Publishing(80))), StringComparison.Ordinal);
    }

    private static void AssertApart(ClusterState state)
    {
        var subnets = state.Networks.Values.Select(network => network.Subnet).Append(AddressPlan.Nodes(state.Settings.NetworkPool)).ToList();
        AssertApart(subnets);
        var numbers = state.Nodes.Values.Select(node => node.Number).Where(number => number > 0).ToList();
        Assert.Equal(numbers.Count, numbers.Distinct().Count());
        foreach (var network in state.Networks.Values)
        {
            var slices = state.Nodes.Values.SelectMany(node => node.Slices).Where(slice => slice.Network == network.Id).Select(slice => slice.Prefix).ToList();
            Assert.All(slices, slice => Assert.True(AddressPlan.Contains(network.Subnet, slice)));
            AssertApart([.. slices, AddressPlan.Vips(network.Subnet)]);
            var vips = state.Services.Values.SelectMany(service => service.Endpoint.VirtualAddresses).Where(vip => vip.Network == network.Id).Select(vip => vip.Address).ToList();
            Assert.Equal(vips.Count, vips.Distinct().Count());
            Assert.All(vips, vip => Assert.True(AddressPlan.Vips(network.Subnet).Contains(vip)));
        }
        var ports = state.Services.Values.SelectMany(service => service.Endpoint.Ports).Select(port => (port.Published, port.Protocol)).ToList();
        Assert.Equal(ports.Count, ports.Distinct().Count());
        Assert.All(state.Nodes.Values.SelectMany(node => node.Slices), slice => Assert.Contains(slice.Network, state.Networks.Keys));
    }

    private static void AssertApart(List<IPNetwork> networks)
    {
        var sorted = networks.OrderBy(AddressPlan.First).ToList();
        for (var at = 1; at < sorted.Count; at++)
            Assert.False(AddressPlan.Overlap(sorted[at - 1], sorted[at]), $"{sorted[at - 1]} and {sorted[at]}");
    }
}
