using Berth.Agent.Balance;

namespace Berth.Tests.Agent.Balance;

public sealed class FirewallTests
{
    private const string Rule = "-m mark --mark 0x40000000/0x40000000 -j ACCEPT";
    private static readonly BalanceSettings Settings = new();

    [Theory]
    [InlineData("-P INPUT ACCEPT\n-P FORWARD DROP\n-N DOCKER-USER\n-A FORWARD -j DOCKER-USER\n-A DOCKER-USER -j RETURN", "DOCKER-USER,INPUT")]
    [InlineData("-P INPUT ACCEPT\n-P FORWARD DROP", "FORWARD,INPUT")]
    [InlineData("-P FORWARD DROP\n-N DOCKER-USER\n-A DOCKER-USER -j RETURN", "FORWARD,INPUT")]
    [InlineData("-N DOCKER-USER\n-A INPUT " + Rule + "\n-A FORWARD -j DOCKER-USER\n-A DOCKER-USER " + Rule + "\n-A DOCKER-USER -j RETURN", "")]
    public void The_rule_is_wanted_where_packets_pass_first(string rules, string missing) =>
        Assert.Equal(missing, string.Join(',', Firewall.Missing(rules, Settings)));

    [Fact]
    public void It_is_put_before_all_others() =>
        Assert.Equal("-w 5 -I FORWARD 1 " + Rule, string.Join(' ', Firewall.Insertion("FORWARD", Settings)));
}
