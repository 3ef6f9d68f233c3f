using System.Collections.Immutable;
using System.Net;
using Berth.Manager.Networks;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Model.Networks;
using Berth.Protocol;
using CsCheck;
using Berth.Tests.Manager.Store;
using static Berth.Tests.Manager.Store.Samples;

namespace Berth.Tests.Manager.Networks;

/// <summary>Clusters with networks, and generators of their histories.</summary>
internal static class NetworkSamples
{
    /// <summary>A cluster that can have networks, with nodes that can.</summary>
    public static ClusterState ACluster(int nodes = 3) =>
        Enumerable.Range(1, nodes).Aggregate(
            ClusterState.Empty.Committed(new Change.LevelRaised(ReleaseLevel.Networks)), (state, number) => state.After(AnAbleNode(number))
                .Observe([new Change.NodeObserved(new NodeId((UInt128)number), new NodeStatus(NodeState.Ready, "", Noon))]));

    public static Command.RegisterNode AnAbleNode(int number)
    {
        var node = ANode(number);
        return node with { Description = node.Description with { Address = $"10.0.0.{number}", Networking = new NodeNetworking { Way = "runtime" } } };
    }

    public static ServiceSpec In(this ServiceSpec spec, params string[] networks) =>
        spec with { Task = spec.Task with { Networks = networks.Select(name => new NetworkAttachment { Target = name }).ToValueList() } };

    public static ServiceSpec At(this ServiceSpec spec, string network, string address) =>
        spec with { Task = spec.Task with { Networks = [new NetworkAttachment { Target = network, Address = IPAddress.Parse(address) }] } };

    public static ServiceSpec Publishing(this ServiceSpec spec, params int[] ports) =>
        spec with { Endpoint = spec.Endpoint with { Ports = ports.Select(port => new PublishedPort("", PortProtocol.Tcp, 80, port)).ToValueList() } };

    public static Command.CreateNetwork ANetwork(string name, string? subnet = null) =>
        new(new NetworkSpec { Name = name, Subnet = subnet is null ? null : IPNetwork.Parse(subnet) });

    public static string Refused(this ClusterState state, Command command)
    {
        var decision = Commands.Decide(state, command, Noon, IdSource.Seeded(4));
        Assert.NotNull(decision.Refusal);
        Assert.Empty(decision.Changes);
        return decision.Refusal.Message;
    }

    /// <summary>The state once every node has what its tasks need.</summary>
    public static ClusterState Arranged(this ClusterState state)
    {
        var due = state.Nodes.Values.Where(node => Slicing.IsDue(state, node)).Select(node => node.Id).Order().ToValueList();
        return state.After(new Command.ArrangeNetworks(due));
    }

    /// <summary>A task of the service's present spec that runs on a node, with addresses as its agent would choose them.</summary>
    public static ClusterState Running(this ClusterState state, string service, int node, int slot = 1)
    {
        var found = state.FindService(service)!;
        var id = new TaskId(((UInt128)state.Index << 32) + 77);
        state = state.Committed(new Change.TaskCreated(id, found.Id, slot, null, found.SpecVersion, TaskState.Running, 0, null));
        state = state.Committed(new Change.TaskAssigned(id, new NodeId((UInt128)node))).Arranged();
        return state.Observe([new Change.TaskObserved(id, Status(TaskState.Running) with { Addresses = AddressesOf(state, state.Tasks[id]) })]);
    }

    public static ValueList<TaskAddress> AddressesOf(ClusterState state, ServiceTask task)
    {
        var taken = state.TasksOn(task.NodeId!.Value).SelectMany(other => other.Status.Addresses).ToHashSet();
        return task.Spec.Networks.Select(attachment => NetworkId.Parse(attachment.Target)).Select(network => state.Nodes[task.NodeId.Value].Slices.Where(slice => slice.Network == network && slice.Prefix.PrefixLength < 32)
                .SelectMany(slice => Enumerable.Range(1, (int)AddressPlan.Count(slice.Prefix) - 2), (slice, at) => new TaskAddress(network, AddressPlan.Address(AddressPlan.First(slice.Prefix) + (uint)at)))
                .FirstOrDefault(address => !taken.Contains(address)))
            .OfType<TaskAddress>().ToValueList();
    }

    /// <summary>What may happen: commands, placements, ends, nodes that go down and come back.</summary>
    public static ClusterState Step(ClusterState state, int what, int seed)
    {
        string[] networks = ["front", "back", "small"];
        string[] services = ["a", "b", "c", "d"];
        var (network, service) = (networks[seed % 3], services[seed / 3 % 4]);
        switch (what)
        {
            case 0:
                return Try(state, ANetwork(network, network == "small" ? "10.190.0.0/26" : null));
            case 1:
                return Try(state, new Command.CreateService(ASpec(service, replicas: 3).In(seed % 2 == 0 ? [network] : [network, networks[(seed + 1) % 3]])));
            case 2:
                return Try(state, new Command.CreateService(ASpec(service).Publishing(seed % 4 == 0 ? 8080 : 0)));
            case 3:
                return Try(state, new Command.UpdateService(service, 0, ASpec(service, image: $"web:{seed % 5}").In(network).Publishing(seed % 2 == 0 ? [0, 8080] : [])));
            case 4:
                return Try(state, new Command.RemoveServices([service]));
            case 5:
                return Try(state, new Command.RemoveNetworks([network]));
            case 6:
                return Try(state, new Command.RollbackService(service));
            case 7:
                return state.Observe([new Change.NodeObserved(new NodeId((UInt128)(1 + seed % 3)), new NodeStatus((NodeState)(1 + seed % 2), "", Noon))]);
            case 8:
                return Try(state, new Command.RemoveNodes([new NodeId((UInt128)(1 + seed % 3)).ToString()], true));
            case 9:
                return state.After(AnAbleNode(1 + seed % 4));
            default:
                return Tasks(state, seed);
        }
    }

    private static ClusterState Tasks(ClusterState state, int seed)
    {
        var ids = IdSource.Seeded(seed * 7919 + (int)state.Index);
        var changes = new List<Change>();
        foreach (var service in state.Services.Values.Where((_, at) => (seed >> at) % 2 == 0).OrderBy(service => service.Id))
        {
            var id = new TaskId(ids.Next());
            changes.Add(new Change.TaskCreated(id, service.Id, 1 + seed % 3, null, service.SpecVersion, TaskState.Running, 0, null));
            if (state.Nodes.Keys.Order().Skip(seed % 3).FirstOrDefault() is var node && state.Nodes.ContainsKey(node))
                changes.Add(new Change.TaskAssigned(id, node));
        }
        foreach (var (task, at) in state.Tasks.Values.OrderBy(task => task.Id).Select((task, at) => (task, at)))
        {
            if (task.DesiredState == TaskState.Remove && task.State.IsTerminal())
                changes.Add(new Change.TaskRemoved(task.Id));
            else if ((seed + at) % 5 == 0)
                changes.Add(new Change.TaskDesired(task.Id, TaskState.Shutdown, "test"));
            else if ((seed + at) % 3 == 0 && !task.State.IsTerminal() && task.NodeId is not null)
                changes.Add(new Change.TaskEnded(task.Id, Status(TaskState.Shutdown)));
        }
        state = state.Committed([.. changes]);
        return state.Observe([.. state.Tasks.Values.Where(task => task.State is TaskState.Assigned && state.Nodes.ContainsKey(task.NodeId!.Value))
            .Select(task => new Change.TaskObserved(task.Id, Status(TaskState.Running) with { Addresses = AddressesOf(state, task) }))]);
    }

    private static ClusterState Try(ClusterState state, Command command)
    {
        var decision = Commands.Decide(state, command, Noon, IdSource.Seeded((int)state.Index + 3));
        return decision.Refusal is null ? state.Committed([.. decision.Changes]) : state;
    }

    public static readonly Gen<List<(int What, int Seed)>> Histories = Gen.Select(Gen.Int[0, 14], Gen.Int[0, 1000]).List[1, 40];
}
