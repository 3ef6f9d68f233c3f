using System.Net;
using Berth.Consul;
using Berth.Model;

namespace Berth.Tests.Shared.Consul;

public sealed class ConsulAddressTests
{
    private static string? NoVariable(string name) => null;

    [Theory]
    [InlineData("consul://10.0.0.9", "http://10.0.0.9:8500/", "berth")]
    [InlineData("consul://consul.example:8511/prod-managers", "http://consul.example:8511/", "prod-managers")]
    [InlineData("consul+https://consul.example", "https://consul.example:8501/", "berth")]
    [InlineData("consul://[fd00::1]:8500/", "http://[fd00::1]:8500/", "berth")]
    public void An_address_names_where_and_under_which_name(string text, string http, string service)
    {
        var address = ConsulAddress.Parse(text, NoVariable);

        Assert.Equal(http, address.Http.ToString());
        Assert.Equal(service, address.Service);
    }

    [Fact]
    public void What_the_address_leaves_open_comes_from_Consuls_own_variables()
    {
        string? Variable(string name) => name switch { "CONSUL_HTTP_TOKEN_FILE" => "/etc/token", "CONSUL_CACERT" => "/etc/ca.pem", _ => null };

        var open = ConsulAddress.Parse("consul+https://c", Variable);
        var named = ConsulAddress.Parse("consul+https://c/berth?dc=dc2&token-file=/own/token&ca-file=/own%20ca.pem", Variable);

        Assert.Equal(("/etc/token", "/etc/ca.pem", null), (open.TokenFile, open.CaFile, open.Datacenter));
        Assert.Equal(("/own/token", "/own ca.pem", "dc2"), (named.TokenFile, named.CaFile, named.Datacenter));
    }

    [Theory]
    [InlineData("consul://c/berth?token=s3cr3t", "token-file")]
    [InlineData("consul://s3cr3t@c/berth", "token-file")]
    [InlineData("consul://c/a/b", "not the name of a service")]
    [InlineData("consul://c/berth?ca-file=/ca.pem", "consul+https")]
    [InlineData("consul://c/berth?token-file=relative", "absolute")]
    [InlineData("consul://", "consul://HOST:8500/SERVICE")]
    [InlineData("https://c", "consul://HOST:8500/SERVICE")]
    public void What_cannot_be_meant_is_refused_and_no_secret_repeated(string text, string says)
    {
        Assert.False(ConsulAddress.TryParse(text, NoVariable, out _, out var problem));
        Assert.Contains(says, problem, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cr3t", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Managers_of_the_cluster_are_read_and_others_passed_over()
    {
        var (mine, other) = (ClusterId.Parse("0000000000000000000000001"), ClusterId.Parse("0000000000000000000000002"));
        ConsulEntry Entry(string? address, int port, ClusterId? cluster) => new()
        {
            Node = new ConsulNode { Address = "10.9.9.9" },
            Service = new ConsulInstance
            {
                Address = address,
                Port = port,
                Meta = cluster is { } named ? new() { [ConsulManagers.ClusterKey] = named.ToString() } : [],
            },
        };
        ConsulEntry[] entries =
        [
            Entry("10.0.0.2", 2400, mine), Entry("10.0.0.1", 2400, mine), Entry("10.0.0.3", 2400, other), Entry("", 2401, null),
            Entry("fd00::1", 2400, mine), Entry("bad host/", 2400, mine), Entry("10.0.0.4", 0, mine), new(),
        ];

        Assert.Equal(
            ["https://10.0.0.1:2400/", "https://10.0.0.2:2400/", "https://10.9.9.9:2401/", "https://[fd00::1]:2400/"],
            ConsulManagers.Read(entries, mine).Select(url => url.ToString()));
        Assert.Contains("https://10.0.0.3:2400/", ConsulManagers.Read(entries, null).Select(url => url.ToString()));
    }

    [Fact]
    public void A_manager_registers_where_agents_dial_it_with_a_check_of_its_own()
    {
        var node = new NodeId(7);
        var service = ConsulManagers.Of("berth", node, new ClusterId(9), "host1", "0.1.0", new IPEndPoint(IPAddress.Parse("10.0.0.1"), 2400));

        Assert.Equal((ConsulManagers.IdOf(node), "berth", "10.0.0.1", 2400), (service.Id, service.Name, service.Address, service.Port));
        Assert.Equal("10s", service.Check.Ttl);
        Assert.Equal(node.ToString(), service.Meta[ConsulManagers.NodeKey]);
    }
}
