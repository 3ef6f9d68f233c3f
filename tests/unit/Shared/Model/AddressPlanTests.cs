using System.Net;
using Berth.Model.Networks;
using CsCheck;

namespace Berth.Tests.Shared.Model;

public sealed class AddressPlanTests
{
    private static readonly Gen<IPNetwork> Subnet = Gen.Select(
        Gen.Int[AddressPlan.LargestNetwork, AddressPlan.SmallestNetwork], Gen.UInt,
        (prefix, bits) => new IPNetwork(AddressPlan.Address(bits & ~(uint)((1L << (32 - prefix)) - 1)), prefix));

    [Theory]
    [InlineData("10.130.0.0/20", "10.130.15.0/24", 26, 62)]
    [InlineData("10.130.0.0/16", "10.130.240.0/20", 24, 254)]
    [InlineData("10.130.0.0/24", "10.130.0.240/28", 28, 14)]
    [InlineData("10.130.0.0/26", "10.130.0.60/30", 29, 6)]
    public void A_subnet_is_divided_as_the_page_says(string subnet, string vips, int slice, int tasks)
    {
        var network = IPNetwork.Parse(subnet);
        Assert.Equal(IPNetwork.Parse(vips), AddressPlan.Vips(network));
        Assert.Equal(slice, AddressPlan.SlicePrefix(network));
        Assert.Equal(tasks, AddressPlan.TasksPer(AddressPlan.Block(network, slice, 0)));
    }

    [Fact]
    public void Nodes_have_the_first_addresses_of_the_pool()
    {
        Assert.Equal(IPNetwork.Parse("10.128.0.0/16"), AddressPlan.Nodes(AddressPlan.DefaultPool));
        Assert.Equal(IPAddress.Parse("10.128.1.4"), AddressPlan.NodeAddress(AddressPlan.DefaultPool, 260));
    }

    [Fact]
    public void Blocks_are_inside_and_apart() => Gen.Select(Subnet, Gen.Int[0, 6]).Sample((subnet, more) =>
    {
        var prefix = subnet.PrefixLength + more;
        for (var place = 0L; place < AddressPlan.Blocks(subnet, prefix); place++)
        {
            var block = AddressPlan.Block(subnet, prefix, place);
            Assert.True(AddressPlan.Contains(subnet, block));
            if (place > 0)
                Assert.False(AddressPlan.Overlap(block, AddressPlan.Block(subnet, prefix, place - 1)));
        }
    });

    [Fact]
    public void Virtual_addresses_are_the_last_of_the_subnet() => Subnet.Sample(subnet =>
    {
        var vips = AddressPlan.Vips(subnet);
        Assert.True(AddressPlan.Contains(subnet, vips));
        Assert.Equal(AddressPlan.Last(subnet), AddressPlan.Last(vips));
    });
}
