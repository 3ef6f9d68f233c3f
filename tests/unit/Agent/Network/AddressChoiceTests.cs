using System.Collections.Immutable;
using System.Net;
using Berth.Agent.Network;
using Berth.Model.Networks;
using CsCheck;

namespace Berth.Tests.Agent.Network;

public sealed class AddressChoiceTests
{
    private static readonly ImmutableDictionary<IPAddress, long> Nothing = ImmutableDictionary<IPAddress, long>.Empty;

    [Fact]
    public void The_first_that_was_never_used_is_taken_before_any_that_was()
    {
        var released = Nothing.Add(Address(1), 1).Add(Address(3), 2);

        Assert.Equal(Address(2), Single(Choose(["10.130.17.0/29"], [], released)));
        Assert.Equal(Address(4), Single(Choose(["10.130.17.0/29"], [Address(2)], released)));
    }

    [Fact]
    public void Of_those_that_were_used_the_one_longest_out_of_use_is_taken()
    {
        var released = Nothing.Add(Address(1), 3).Add(Address(2), 1);

        Assert.Equal(Address(2), Single(Choose(["10.130.17.0/30"], [], released)));
        Assert.Equal(Address(1), Single(Choose(["10.130.17.0/30"], [Address(2)], released)));
    }

    [Fact]
    public void An_address_that_was_asked_for_is_given_or_waited_for()
    {
        string[] slices = ["10.130.17.0/26", "10.130.20.5/32"];
        var asked = IPAddress.Parse("10.130.20.5");

        Assert.Equal(asked, Single(Choose(slices, [], Nothing, asked)));
        Assert.Contains("another container", Waits(Choose(slices, [asked], Nothing, asked)), StringComparison.Ordinal);
        Assert.Contains("waiting until this node has", Waits(Choose(slices, [], Nothing, IPAddress.Parse("10.130.20.6"))), StringComparison.Ordinal);
        // Nobody else gets it.
        Assert.Equal("waiting for more addresses of network 'net1': all 1 of this node are in use", Waits(Choose(["10.130.20.5/32"], [], Nothing)));
    }

    [Fact]
    public void What_is_missing_is_said()
    {
        Assert.Contains("until the managers tell", Waits(AddressChoice.Choose(ANetwork.Node(0), [new NetworkWish(ANetwork.Id(1))], Set([]), Nothing)), StringComparison.Ordinal);
        Assert.Equal("waiting for addresses of network 'net1' for this node", Waits(Choose([], [], Nothing)));
        Assert.Equal("waiting for more addresses of network 'net1': all 2 of this node are in use", Waits(Choose(["10.130.17.0/30"], [Address(1), Address(2)], Nothing)));
    }

    [Fact]
    public void Tasks_never_share_an_address_and_never_have_one_outside_of_the_slices() =>
        Gen.Select(Gen.Int[26, 30], Gen.Int[0, 1].List[1, 80]).Sample((length, steps) =>
        {
            var slice = IPNetwork.Parse($"10.130.17.0/{length}");
            var network = ANetwork.Network(1, [slice.ToString()]);
            var (taken, released, order) = (new List<IPAddress>(), Nothing, 0L);
            foreach (var step in steps)
            {
                if (step == 0 && taken.Count > 0)
                {
                    released = released.SetItem(taken[0], ++order);
                    taken.RemoveAt(0);
                    continue;
                }
                var answer = AddressChoice.Choose(ANetwork.Node(0, network), [new NetworkWish(network.Id)], Set([.. taken]), released);
                if (answer is AddressAnswer.Chosen)
                    taken.Add(Single(answer));
                else
                    Assert.Equal((1 << (32 - length)) - 2, taken.Count);
            }
            Assert.Equal(taken.Count, taken.Distinct().Count());
            Assert.All(taken, address => Assert.True(slice.Contains(address) && !address.Equals(slice.BaseAddress)));
        }, iter: 300);

    private static AddressAnswer Choose(string[] slices, IPAddress[] taken, ImmutableDictionary<IPAddress, long> released, IPAddress? asked = null) =>
        AddressChoice.Choose(ANetwork.Node(0, ANetwork.Network(1, slices)), [new NetworkWish(ANetwork.Id(1), asked)], Set(taken), released);

    private static HashSet<IPAddress> Set(IPAddress[] taken) => [.. taken];

    private static IPAddress Address(int last) => IPAddress.Parse($"10.130.17.{last}");

    private static IPAddress Single(AddressAnswer answer) => Assert.Single(Assert.IsType<AddressAnswer.Chosen>(answer).Addresses).Address;

    private static string Waits(AddressAnswer answer) => Assert.IsType<AddressAnswer.Waits>(answer).Reason;
}
