using System.Net;
using Berth.Cli.Lab;
using Berth.Cli.Output;
using CsCheck;

namespace Berth.Tests.Cli.Lab;

public sealed class LabNetworkTests
{
    [Fact]
    public void Hosts_the_switch_and_the_machine_have_their_places()
    {
        var network = LabNetwork.Parse("10.210.7.0/24");

        Assert.Equal("10.210.7.1", network.Address(1));
        Assert.Equal("10.210.7.254", network.Switch);
        Assert.Equal("10.210.7.253", network.Machine);
        Assert.Equal("02:42:0a:d2:07:03", network.HardwareAddress(3));
        Assert.Equal("10.210.7.0/24", network.Subnet);
    }

    [Theory]
    [InlineData("10.210.0.0")]
    [InlineData("10.210.0.0/16")]
    [InlineData("10.210.0.1/24")]
    [InlineData("8.8.8.0/24")]
    [InlineData("172.32.0.0/24")]
    [InlineData("fd00::/24")]
    [InlineData("010.210.0.0/24")]
    [InlineData("")]
    public void Other_subnets_are_refused_with_an_example(string subnet)
    {
        var error = Assert.Throws<UserError>(() => LabNetwork.Parse(subnet));

        Assert.Equal(ExitCode.WrongUsage, error.Code);
        Assert.Contains($"'{subnet}'", error.Message);
        Assert.Contains("10.210.0.0/24", error.Next);
    }

    [Fact]
    public void The_first_free_network_avoids_what_is_taken_also_by_larger_and_smaller_networks()
    {
        Assert.Equal("10.210.0.0/24", LabNetwork.FirstFree([])!.Subnet);
        Assert.Equal("10.212.0.0/24", LabNetwork.FirstFree([(IPAddress.Parse("10.210.0.9"), 16), (IPAddress.Parse("10.211.0.77"), 30)])!.Subnet);
        Assert.Null(LabNetwork.FirstFree([(IPAddress.Parse("10.0.0.0"), 8)]));
        Assert.Equal("10.210.0.0/24", LabNetwork.FirstFree([(IPAddress.Parse("fd00::1"), 64)])!.Subnet);
    }

    [Fact]
    public void A_chosen_network_never_overlaps_a_taken_one() =>
        Gen.Select(Gen.Int[205, 252], Gen.Int[0, 3], Gen.Int[8, 32]).Array[0, 30].Sample(networks =>
        {
            var taken = networks.Select(n => (IPAddress.Parse($"10.{n.Item1}.{n.Item2}.1"), n.Item3)).ToList();
            var free = LabNetwork.FirstFree(taken);
            return free is null || !taken.Any(free.Overlaps);
        });
}
