using System.Collections.Immutable;
using Berth.Agent.Balance;
using Berth.Agent.Network;
using Berth.Model;
using Berth.Model.Networks;
using CsCheck;

namespace Berth.Tests.Agent.Balance;

public sealed class RulesetTests
{
    private static readonly BalanceSettings Settings = new();

    [Fact]
    public void The_difference_of_two_applied_to_the_first_gives_the_second()
    {
        Gen.Select(APlane.Any, APlane.Any).Sample((before, after) =>
        {
            var (from, to) = (RulesetSource.From(before, Settings)!, RulesetSource.From(after, Settings)!);
            var (changed, made) = (new KernelModel(), new KernelModel());
            changed.Run(from.Everything());
            changed.Run(Ruleset.Difference(from, to));
            made.Run(to.Everything());
            Assert.Equal(made.Text(), changed.Text());
            Assert.Empty(Ruleset.Difference(to, to));
        }, iter: 300);
    }

    [Fact]
    public void What_the_kernel_is_asked_for_is_what_was_made()
    {
        APlane.Any.Sample(state =>
        {
            var rules = RulesetSource.From(state, Settings)!;
            var made = new KernelModel();
            made.Run(rules.Everything());
            var found = new TableCounts(made.Chains.ToImmutableDictionary(chain => chain.Key, chain => chain.Value.Count),
                made.Sets.ToImmutableDictionary(set => set.Key, set => set.Value.Count));
            Assert.Empty(rules.Counts().Lost(found));
        }, iter: 100);
    }

    [Fact]
    public void One_service_among_a_thousand_costs_one_chain()
    {
        var services = Enumerable.Range(0, 1000).Select(at => APlane.AService(at % 200, APlane.ABackend(1, 2)) with
        {
            Id = APlane.Service(at),
            Networks = [new ServiceNetwork(APlane.Network(0), System.Net.IPAddress.Parse($"10.130.{8 + at / 250}.{at % 250 + 1}"), [])],
        }).ToImmutableDictionary(service => service.Id);
        var before = State(services);
        var changed = services[APlane.Service(500)];
        var after = State(services.SetItem(changed.Id, changed with { Backends = [APlane.ABackend(1, 2), APlane.ABackend(2, 3)] }));

        var script = Ruleset.Difference(RulesetSource.From(before, Settings)!, RulesetSource.From(after, Settings)!);

        Assert.Equal(2, script.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Contains("numgen random mod 2 map { 0 : 10.130.2.1, 1 : 10.130.3.2 }", script);
    }

    [Fact]
    public void A_task_that_stops_or_is_gone_from_its_host_gets_no_new_connections()
    {
        var service = APlane.AService(1, APlane.ABackend(1, 1), APlane.ABackend(2, 1), APlane.ABackend(3, 2, isDraining: true), APlane.ABackend(4, 2));
        var state = State(ImmutableDictionary<ServiceId, ServiceEndpoints>.Empty.Add(service.Id, service)) with
        {
            Local = [new LocalEndpoint(APlane.Task(1), APlane.Network(0), APlane.Address(0, 1, 1), "bv1.0", "c1")],
        };

        var rules = RulesetSource.From(state, Settings)!;

        Assert.Equal(["dnat to numgen random mod 2 map { 0 : 10.130.1.1, 1 : 10.130.2.4 }"], Assert.Single(rules.Chains).Value);
        var alive = RulesetSource.Alive(state);
        Assert.Contains(APlane.Address(0, 2, 3), alive);
        Assert.DoesNotContain(APlane.Address(0, 1, 2), alive);
    }

    [Fact]
    public void Without_a_task_to_answer_a_virtual_address_leads_nowhere()
    {
        var service = APlane.AService(1, APlane.ABackend(3, 2, isDraining: true)) with { Published = [new PublishedPort("", PortProtocol.Tcp, 80, 8080)] };

        var rules = RulesetSource.From(State(ImmutableDictionary<ServiceId, ServiceEndpoints>.Empty.Add(service.Id, service)), Settings)!;

        Assert.Empty(rules.Chains);
        Assert.Empty(rules.Elements["services"]);
        Assert.Empty(rules.Elements["ports"]);
    }

    [Fact]
    public void Weights_and_affinity_choose_the_task()
    {
        var service = APlane.AService(1, APlane.ABackend(1, 2) with { Weight = 3 }, APlane.ABackend(2, 2)) with
        {
            HasAffinity = true, Published = [new PublishedPort("", PortProtocol.Udp, 53, 5353)],
        };

        var rules = RulesetSource.From(State(ImmutableDictionary<ServiceId, ServiceEndpoints>.Empty.Add(service.Id, service)), Settings)!;

        Assert.Equal("dnat to jhash ip saddr mod 4 seed 0x62657274 map { 0-2 : 10.130.2.1, 3 : 10.130.2.2 }",
            rules.Chains.Single(chain => chain.Key.StartsWith("v_", StringComparison.Ordinal)).Value[0]);
        Assert.Equal("meta l4proto udp dnat ip to jhash ip saddr mod 4 seed 0x62657274 map { 0-2 : 10.130.2.1 . 53, 3 : 10.130.2.2 . 53 }",
            rules.Chains["p_udp_5353"][1]);
    }

    [Fact]
    public void A_hosts_own_port_leads_to_its_container_only()
    {
        var local = new LocalEndpoint(APlane.Task(1), APlane.Network(0), APlane.Address(0, 1, 1), "bv1.0", "c1");
        var state = State(ImmutableDictionary<ServiceId, ServiceEndpoints>.Empty) with
        {
            Local = [local], HostPorts = [new HostPort(local.Task, new PortConfig(80, 8080), local.Address)],
        };

        var rules = RulesetSource.From(state, Settings)!;

        Assert.Equal("meta l4proto tcp dnat ip to 10.130.1.1:80", rules.Chains["p_tcp_8080"][1]);
        Assert.Equal("goto p_tcp_8080", rules.Elements["ports"]["tcp . 8080"]);
    }

    [Fact]
    public void A_node_without_a_number_has_no_rules() => Assert.Null(RulesetSource.From(PlaneState.Empty, Settings));

    private static PlaneState State(ImmutableDictionary<ServiceId, ServiceEndpoints> services) => new(
        new NodeNetworks
        {
            Self = APlane.Peer(1), Pool = APlane.Pool, Services = services,
            Networks = ImmutableDictionary<NetworkId, NodeNetwork>.Empty.Add(APlane.Network(0), APlane.ANetwork(0)),
        }, []);
}
