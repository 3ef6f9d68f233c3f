using Berth.Manager.Members;

namespace Berth.Tests.Manager.Members;

/// <summary>What etcd is told in etcd.yml.</summary>
public sealed class EtcdConfigurationTests
{
    private static readonly EtcdConfiguration Sample = new()
    {
        Name = "one",
        Directory = "/var/lib/berth/etcd",
        Address = "10.0.0.1",
        Token = "cluster",
        Peers = [new("one", "https://10.0.0.1:2402"), new("two", "https://10.0.0.2:2402")],
    };

    [Fact]
    public void Nothing_of_it_answers_without_tls_and_a_certificate()
    {
        var lines = Sample.ToYaml().Split('\n');
        Assert.All(lines.Where(line => line.Contains("urls:", StringComparison.Ordinal)), line => Assert.Contains("\"https://10.0.0.1:", line, StringComparison.Ordinal));
        Assert.Equal(2, lines.Count(line => line == "  client-cert-auth: true"));
        Assert.Contains("enable-grpc-gateway: false", lines);
    }

    [Fact]
    public void A_member_that_forms_names_all_and_one_that_joins_says_so()
    {
        Assert.Contains("initial-cluster: \"one=https://10.0.0.1:2402,two=https://10.0.0.2:2402\"\n", Sample.ToYaml(), StringComparison.Ordinal);
        Assert.Contains("initial-cluster-state: \"new\"", Sample.ToYaml(), StringComparison.Ordinal);
        Assert.Contains("initial-cluster-state: \"existing\"", (Sample with { Joins = true }).ToYaml(), StringComparison.Ordinal);
        Assert.DoesNotContain("force-new-cluster", Sample.ToYaml(), StringComparison.Ordinal);
        Assert.Contains("force-new-cluster: true", (Sample with { ForgetsOthers = true }).ToYaml(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_address_of_ip_version_6_is_put_into_brackets() =>
        Assert.Equal("https://[fd00::1]:2403", (Sample with { Address = "fd00::1" }).ClientUrl);
}
