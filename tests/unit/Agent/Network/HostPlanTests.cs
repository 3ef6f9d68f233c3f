using System.Net;
using Berth.Agent.Network;
using CsCheck;

namespace Berth.Tests.Agent.Network;

public sealed class HostPlanTests
{
    private const int Mtu = 1500;

    [Fact]
    public void A_host_that_was_told_nothing_is_left_as_it_is() =>
        Assert.Empty(HostDifference.Between(HostPlan.Of(PlaneState.Empty, Mtu), HostState.Empty));

    [Fact]
    public void Everything_a_peer_needs_follows_from_its_number_and_its_address()
    {
        var plan = HostPlan.Of(new PlaneState(ANetwork.Node(1, ANetwork.Network(3, null, 2)), [ANetwork.Local(7, 3, "10.130.49.1")]), Mtu);

        Assert.Equal(new OverlayDevice(IPAddress.Parse("192.168.0.1"), 1450), plan.Overlay);
        Assert.Equal("02:62:c0:a8:00:02 192.168.0.2", Assert.Single(plan.Forwarding) is var entry ? $"{entry.Hardware} {entry.Underlay}" : "");
        Assert.Equal(
            ["0.0.0.0/0 via 10.128.0.2 berth0", "10.128.0.0/10 unreachable", "10.128.0.2/32 berth0", "10.130.49.1/32 bv0000000007.0", "10.130.50.64/26 via 10.128.0.2 berth0", "10.130.63.0/24 berth0"],
            plan.Routes.Select(Text).Order(StringComparer.Ordinal));
        Assert.Equal([(0u, 32766u), (0x200u, 0u)], plan.Rules.OrderBy(rule => rule.Mark).Select(rule => (rule.Mark, rule.Goto)));
        Assert.Contains(new HostNeighbour("bv0000000007.0", IPAddress.Parse("10.130.49.1"), HardwareAddress.OfContainer(IPAddress.Parse("10.130.49.1"))), plan.Neighbours);
    }

    [Fact]
    public void A_slice_of_a_node_that_is_no_peer_has_no_route() =>
        Assert.DoesNotContain(HostPlan.Of(new PlaneState(ANetwork.Node(1, ANetwork.Network(1, null, 2, 9)), []), Mtu).Routes, route => route.Via?.Equals(IPAddress.Parse("10.128.0.9")) ?? false);

    [Fact]
    public void The_changes_lead_from_any_state_to_any_other_and_then_there_are_none() => Gen.Select(ANetwork.States, ANetwork.States).Sample((before, after) =>
    {
        var (has, wanted) = (HostPlan.Of(before, Mtu), HostPlan.Of(after, Mtu));

        var result = HostDifference.Between(wanted, has).Aggregate(has, Apply);

        Assert.Empty(HostDifference.Between(wanted, result));
        Assert.Empty(HostDifference.Between(wanted, wanted));
    }, iter: 500);

    [Fact]
    public void Another_peer_costs_the_same_few_changes_however_many_there_are() => Gen.Int[1, 200].Sample(peers =>
    {
        var changes = HostDifference.Between(HostPlan.Of(new PlaneState(ANetwork.Node(peers + 1), []), Mtu), HostPlan.Of(new PlaneState(ANetwork.Node(peers), []), Mtu));

        // Where its frames go, its neighbour, its route, and the table and rule for what returns through it.
        Assert.Equal(5, changes.Length);
    }, iter: 30);

    [Fact]
    public void A_route_that_changed_is_never_away() =>
        Gen.Select(ANetwork.States, ANetwork.States).Sample((before, after) =>
        {
            var (has, wanted) = (HostPlan.Of(before, Mtu), HostPlan.Of(after, Mtu));
            var removed = HostDifference.Between(wanted, has).OfType<HostChange.Route>().Where(change => !change.IsWanted).Select(change => change.Value);

            Assert.All(removed, route => Assert.DoesNotContain(wanted.Routes, other => other.Destination.Equals(route.Destination) && other.Table == route.Table));
        }, iter: 300);

    private static string Text(HostRoute route) =>
        $"{route.Destination}{(route.IsUnreachable ? " unreachable" : "")}{(route.Via is { } via ? $" via {via}" : "")}{(route.Device.Length > 0 ? $" {route.Device}" : "")}";

    // As the kernel does it: a device takes all that is on it along, and a destination has one route in a table.
    private static HostState Apply(HostState state, HostChange change) => change switch
    {
        HostChange.Overlay overlay => state with
        {
            Overlay = overlay.Device,
            Addresses = [.. state.Addresses.Where(address => address.Device != InterfaceNames.Overlay)],
            Routes = [.. state.Routes.Where(route => route.Device != InterfaceNames.Overlay)],
            Neighbours = [.. state.Neighbours.Where(neighbour => neighbour.Device != InterfaceNames.Overlay)],
            Forwarding = [],
            Settings = state.Settings.RemoveRange(state.Settings.Keys.Where(path => path.Contains(InterfaceNames.Overlay, StringComparison.Ordinal))),
        },
        HostChange.Address(var address, var isWanted) => state with { Addresses = isWanted ? state.Addresses.Add(address) : state.Addresses.Remove(address) },
        HostChange.Route(var route, true) => state with
        {
            Routes = [.. state.Routes.Where(other => !(other.Destination.Equals(route.Destination) && other.Table == route.Table)), route],
        },
        HostChange.Route(var route, false) => state with { Routes = state.Routes.Remove(route) },
        HostChange.Neighbour(var neighbour, true) => state with
        {
            Neighbours = [.. state.Neighbours.Where(other => !(other.Device == neighbour.Device && other.Address.Equals(neighbour.Address))), neighbour],
        },
        HostChange.Neighbour(var neighbour, false) => state with { Neighbours = state.Neighbours.Remove(neighbour) },
        HostChange.Forwarding(var entry, true) => state with { Forwarding = [.. state.Forwarding.Where(other => other.Hardware != entry.Hardware), entry] },
        HostChange.Forwarding(var entry, false) => state with { Forwarding = state.Forwarding.Remove(entry) },
        HostChange.Rule(var rule, var isWanted) => state with { Rules = isWanted ? state.Rules.Add(rule) : state.Rules.Remove(rule) },
        HostChange.Setting(var path, var value) => state with { Settings = state.Settings.SetItem(path, value) },
        _ => state,
    };
}
