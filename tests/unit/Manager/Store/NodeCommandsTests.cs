using Berth.Manager.Store;
using Berth.Model;
using static Berth.Tests.Manager.Store.Samples;

namespace Berth.Tests.Manager.Store;

public sealed class NodeCommandsTests
{
    private static readonly ClusterState Three = ClusterState.Empty.After(ANode(1), ANode(2, "twin"), ANode(3, "twin"));

    [Fact]
    public void Registering_again_with_the_same_facts_changes_nothing() =>
        Assert.Empty(Decide(ANode(1)).Changes);

    [Fact]
    public void Registering_with_other_facts_keeps_what_people_decided()
    {
        var state = Three.After(new Command.UpdateNode("host1", NodeAvailability.Drain, ValueMap.Of("zone", "a"), []), ANode(1, "renamed"));
        var node = state.Nodes[new NodeId(1)];
        Assert.Equal(("renamed", NodeAvailability.Drain, "a"), (node.Description.Hostname, node.Spec.Availability, node.Spec.Labels["zone"]));
    }

    [Fact]
    public void A_host_name_that_two_nodes_have_names_neither()
    {
        var refused = Decide(new Command.UpdateNode("twin", NodeAvailability.Drain, ValueMap.Empty, [])).Refusal!;
        Assert.Equal(RefusalReason.Conflict, refused.Reason);
        Assert.Contains(new NodeId(2).ToString(), refused.Message);
    }

    [Fact]
    public void Wrong_labels_are_all_named()
    {
        var refused = Decide(new Command.UpdateNode("host1", null, ValueMap.Of("a b", "x"), ["none"])).Refusal!;
        Assert.Equal(["label-add", "label-rm"], refused.Message.Split('\n').Select(line => line.Split(':')[0]));
    }

    [Fact]
    public void What_is_so_already_changes_nothing() =>
        Assert.Empty(Decide(new Command.UpdateNode("host1", NodeAvailability.Active, ValueMap.Empty, [])).Changes);

    private static Decision Decide(Command command) => Commands.Decide(Three, command, Noon, IdSource.Seeded(1));
}
