using System.Net;
using Berth.Cli.Host;
using Berth.Cli.Output;

namespace Berth.Tests.Cli.Host;

public sealed class AdvertiseAddressTests
{
    [Theory]
    [InlineData("eth0=10.0.0.1", "10.0.0.1")]
    [InlineData("eth0=10.0.0.1 eth0=fd00::1 eth0=fe80::1", "10.0.0.1")]
    [InlineData("eth0=10.0.0.1 docker0=172.17.0.1 br-0a1b=172.18.0.1 lo=127.0.0.1 eth1=169.254.7.7", "10.0.0.1")]
    [InlineData("eth0=fd00::1 eth0=fe80::1", "fd00::1")]
    public void The_only_address_is_taken(string there, string expected) => Assert.Equal(expected, AdvertiseAddress.Choose(null, Parse(there)).ToString());

    [Theory]
    [InlineData("eth0=10.0.0.1 eth1=10.1.0.1", "could not choose an IP address to advertise since this system has multiple addresses: 10.0.0.1 on eth0, 10.1.0.1 on eth1")]
    [InlineData("lo=127.0.0.1 docker0=172.17.0.1", "this host has no address at which others could reach it")]
    public void Where_there_is_a_choice_or_none_a_person_makes_it(string there, string why)
    {
        var error = Assert.Throws<UserError>(() => AdvertiseAddress.Choose(null, Parse(there)));

        Assert.Equal((why, ExitCode.WrongUsage), (error.Message, error.Code));
        Assert.Contains("--advertise-addr", error.Next);
    }

    [Theory]
    [InlineData("10.1.0.1", "10.1.0.1")]
    [InlineData("203.0.113.9", "203.0.113.9")]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("eth1", "10.1.0.1")]
    [InlineData("docker0", "172.17.0.1")]
    public void An_address_or_interface_that_is_given_is_taken(string given, string expected) =>
        Assert.Equal(expected, AdvertiseAddress.Choose(given, Parse("eth0=10.0.0.1 eth1=10.1.0.1 eth1=fd00::1 docker0=172.17.0.1")).ToString());

    [Theory]
    [InlineData("eth7", "--advertise-addr 'eth7' is neither an IP address nor an interface of this host that has one")]
    [InlineData("0.0.0.0", "--advertise-addr 0.0.0.0: others cannot reach this host there")]
    [InlineData("eth0", "interface eth0 has several addresses: 10.0.0.1, 10.0.0.2")]
    public void What_others_cannot_use_is_refused(string given, string why) =>
        Assert.Equal(why, Assert.Throws<UserError>(() => AdvertiseAddress.Choose(given, Parse("eth0=10.0.0.1 eth0=10.0.0.2"))).Message);

    private static HostAddress[] Parse(string text) =>
        [.. text.Split(' ').Select(one => one.Split('=')).Select(one => new HostAddress(one[0], IPAddress.Parse(one[1])))];
}
