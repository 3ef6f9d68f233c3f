using System.Collections.Immutable;
using System.Net;
using Berth.Agent.Names;
using Berth.Agent.Network;
using Berth.Model;
using Berth.Model.Networks;
using Berth.Tests.Agent.Balance;
using CsCheck;

namespace Berth.Tests.Agent.Names;

public sealed class NameAnswerTests
{
    private static readonly Random Random = new(1);

    [Theory]
    [InlineData("web1", "10.130.15.11")]
    [InlineData("web1.shop", "10.130.15.11")]
    [InlineData("shop_web1", "10.130.15.11")]
    [InlineData("alias", "10.130.15.11")]
    [InlineData("tasks.web1", "10.130.1.1 10.130.2.2")]
    [InlineData("2.web1", "10.130.2.2")]
    [InlineData("db", "10.130.2.4")]
    [InlineData("node2", "10.128.0.2")]
    public void A_container_finds(string name, string addresses) =>
        Assert.Equal(addresses, string.Join(' ', Ask(name).Records.Select(record => record.Address!.ToString()).Order(StringComparer.Ordinal)));

    [Fact]
    public void A_task_is_found_as_Docker_calls_its_container() =>
        Assert.Equal(APlane.Address(0, 2, 2), Assert.Single(Ask($"shop_web1.2.{APlane.Task(2)}").Records).Address);

    [Theory]
    [InlineData("web1")]
    [InlineData("2.web1")]
    [InlineData("tasks.db")]
    [InlineData("node2")]
    public void A_known_name_has_no_other_addresses_and_is_not_unknown(string name) =>
        Assert.Equal((false, DnsCode.Done, 0), Shape(Ask(name, DnsCode.Address6)));

    [Theory]
    [InlineData("unknown")]
    [InlineData("tasks.unknown")]
    [InlineData("9.web1")]
    [InlineData("secret")]
    [InlineData("9.9.130.10.in-addr.arpa")]
    public void What_is_not_there_is_unknown(string name) => Assert.Equal((false, DnsCode.NoSuchName, 0), Shape(Ask(name)));

    [Theory]
    [InlineData("example.com")]
    [InlineData("1.2.0.192.in-addr.arpa")]
    public void Names_outside_are_asked_for_outside_unless_there_is_no_way_out(string name)
    {
        Assert.True(Ask(name).IsForwarded);
        Assert.Equal(DnsCode.NoSuchName, NameAnswer.Of(Table(), new Asker([APlane.Network(0)], null, MayLeave: false), name, DnsCode.Address, Random).Code);
    }

    [Fact]
    public void Named_ports_are_servers()
    {
        var server = Assert.Single(Ask("_http._tcp.web1", DnsCode.Server).Records);
        Assert.Equal(("web1", 80), (server.Target, server.Port));
        var task = Assert.Single(Ask("_sql._tcp.db", DnsCode.Server).Records);
        Assert.Equal(($"shop_db.4.{APlane.Task(4)}", 5432), (task.Target, task.Port));
    }

    [Fact]
    public void Addresses_have_names()
    {
        Assert.Equal("shop_web1", Assert.Single(Ask("11.15.130.10.in-addr.arpa", DnsCode.Pointer).Records).Target);
        Assert.Equal($"shop_web1.2.{APlane.Task(2)}", Assert.Single(Ask("2.2.130.10.in-addr.arpa", DnsCode.Pointer).Records).Target);
        Assert.Equal("node2", Assert.Single(Ask("2.0.128.10.in-addr.arpa", DnsCode.Pointer).Records).Target);
    }

    [Fact]
    public void A_name_of_several_stacks_means_ones_own()
    {
        var state = State();
        var other = APlane.AService(9) with { Stack = "other", Name = "other_web1", Networks = [new ServiceNetwork(APlane.Network(0), APlane.Address(0, 15, 99), [])] };
        var table = NameTable.From(state with { Wanted = state.Wanted with { Services = state.Wanted.Services.Add(other.Id, other) } });

        Assert.Equal(2, NameAnswer.Of(table, new Asker([APlane.Network(0)], null, true), "web1", DnsCode.Address, Random).Records.Length);
        Assert.Equal(APlane.Address(0, 15, 99),
            Assert.Single(NameAnswer.Of(table, new Asker([APlane.Network(0)], "other", true), "web1", DnsCode.Address, Random).Records).Address);
    }

    [Fact]
    public void The_asker_is_known_by_its_address()
    {
        var asker = Table().AskerOf(APlane.Address(0, 1, 1));

        Assert.Equal(APlane.Network(0), Assert.Single(asker.Networks));
        Assert.Equal(("shop", true), (asker.Stack, asker.MayLeave));
        Assert.Empty(Table().AskerOf(IPAddress.Loopback).Networks);
    }

    [Fact]
    public void No_answer_has_an_address_of_a_network_the_asker_is_not_in()
    {
        Gen.Select(APlane.Any, Gen.Int[0, 40], Gen.Int[0, 2], Gen.Int[0, 5]).Sample((state, service, network, form) =>
        {
            var table = NameTable.From(state);
            var name = form switch { 0 => $"s{service}", 1 => $"alias{service}", 2 => $"tasks.s{service}", 3 => $"{service}.s{service}", 4 => $"tasks.alias{service}", _ => $"{service}.15.{130 + network}.10.in-addr.arpa" };
            var asked = APlane.Network(network);
            var answer = NameAnswer.Of(table, new Asker([asked], null, true), name, DnsCode.Any, Random);
            Assert.All(answer.Records.Where(record => record.Address is not null), record => Assert.True(APlane.ANetwork(network).Subnet.Contains(record.Address!)));
            Assert.True(answer.Records.IsEmpty || answer is { IsForwarded: false, Code: DnsCode.Done });
            Assert.False(answer.IsForwarded && table.IsKnown(name));
            Assert.Equal(DnsCode.Done, table.Find(asked, name).IsEmpty ? DnsCode.Done : NameAnswer.Of(table, new Asker([asked], null, true), name, DnsCode.Address6, Random).Code);
        }, iter: 500);
    }

    private static (bool, byte, int) Shape(NameAnswer answer) => (answer.IsForwarded, answer.Code, answer.Records.Length);

    private static NameAnswer Ask(string name, ushort type = DnsCode.Address)
    {
        var table = Table();
        return NameAnswer.Of(table, table.AskerOf(APlane.Address(0, 1, 1)), name, type, Random);
    }

    private static NameTable Table() => NameTable.From(State());

    // This host is node 1 and has task 1; the network 'secret' is in is not its own.
    private static PlaneState State()
    {
        var web = APlane.AService(1, APlane.ABackend(1, 1), APlane.ABackend(2, 2), APlane.ABackend(3, 2, isDraining: true), APlane.ABackend(5, 1)) with
        {
            Networks = [new ServiceNetwork(APlane.Network(0), APlane.Address(0, 15, 11), ["Alias"])],
            Published = [new PublishedPort("http", PortProtocol.Tcp, 80, 8080)],
        };
        var db = APlane.AService(2, APlane.ABackend(4, 2)) with
        {
            Name = "shop_db", IsDnsRoundRobin = true, Networks = [new ServiceNetwork(APlane.Network(0), null, [])],
            Published = [new PublishedPort("sql", PortProtocol.Tcp, 5432, 0)],
        };
        var secret = APlane.AService(3) with { Name = "secret", Stack = null, Networks = [new ServiceNetwork(APlane.Network(1), APlane.Address(1, 15, 1), [])] };
        return new PlaneState(new NodeNetworks
        {
            Self = APlane.Peer(1), Pool = APlane.Pool,
            Peers = ImmutableDictionary<NodeId, NetworkPeer>.Empty.Add(APlane.Peer(2).NodeId, APlane.Peer(2)),
            Networks = Enumerable.Range(0, 2).ToImmutableDictionary(APlane.Network, at => APlane.ANetwork(at)),
            Services = new[] { web, db, secret }.ToImmutableDictionary(service => service.Id),
        }, [new LocalEndpoint(APlane.Task(1), APlane.Network(0), APlane.Address(0, 1, 1), "bv1.0", "c1")]);
    }
}
