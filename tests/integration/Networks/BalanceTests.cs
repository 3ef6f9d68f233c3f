using System.Net;
using System.Net.Sockets;
using Berth.Model;
using Berth.Model.Networks;

namespace Berth.Tests.Integration.Networks;

/// <summary>The rules of two hosts, with real packets between namespaces.</summary>
public sealed class BalanceTests : IDisposable
{
    private const string Vip = "10.130.15.10";
    private const string NoVip = "10.130.15.99";
    private readonly TwoHosts _hosts = new();

    public void Dispose() => _hosts.Dispose();

    [Fact]
    public async Task A_virtual_address_leads_to_tasks_here_and_there()
    {
        var (client, here, there) = (_hosts.Container(_hosts.First, 0, 2), _hosts.Container(_hosts.First, 0, 3), _hosts.Container(_hosts.Second, 0, 4));
        await _hosts.TellAsync([Web(here.Backend(), there.Backend())], [client, here, there]);

        var heard = new List<string>();
        for (var call = 0; call < 30; call++)
            heard.Add(await client.Place.CallAsync(Vip, 80));
        Assert.Equal([$"{here.Address} {client.Address}", $"{there.Address} {client.Address}"], heard.Distinct().Order(StringComparer.Ordinal));
        Assert.Contains(await client.Place.CallUdpAsync(Vip, 80), new[] { $"{here.Address} {client.Address}", $"{there.Address} {client.Address}" });
        Assert.EndsWith(" 10.128.0.1", await _hosts.First.Place.CallAsync(Vip, 80));

        // Nobody answers for it any more.
        await _hosts.TellAsync([Web()], [client, here, there]);
        Assert.Equal("ConnectionRefused", await client.Place.CallAsync(Vip, 80));
        Assert.Equal("ConnectionRefused", await client.Place.CallAsync(NoVip, 80));
        Assert.Equal("ConnectionRefused", await _hosts.First.Place.CallAsync(Vip, 80));
        Assert.Equal("ConnectionRefused", await client.Place.CallUdpAsync(Vip, 80));
    }

    [Fact]
    public async Task A_task_reaches_itself_by_its_services_address()
    {
        var own = _hosts.Container(_hosts.First, 0, 2);
        await _hosts.TellAsync([Web(own.Backend())], [own]);

        Assert.Equal($"{own.Address} {TwoHosts.Resolver}", await own.Place.CallAsync(Vip, 80));
        Assert.Equal($"{own.Address} {TwoHosts.Resolver}", await own.Place.CallUdpAsync(Vip, 80));
    }

    [Fact]
    public async Task Networks_do_not_reach_each_other()
    {
        var (red, blue) = (_hosts.Container(_hosts.First, 0, 2), _hosts.Container(_hosts.First, 1, 3));
        var (farRed, farBlue) = (_hosts.Container(_hosts.Second, 0, 4), _hosts.Container(_hosts.Second, 1, 5));
        await _hosts.TellAsync([Web(red.Backend(), farRed.Backend())], [red, blue, farRed, farBlue]);

        Assert.Equal($"{farRed.Address} {red.Address}", await red.Place.CallAsync(farRed.Address, 80));
        Assert.Equal($"{farBlue.Address} {blue.Address}", await blue.Place.CallAsync(farBlue.Address, 80));
        foreach (var forbidden in new[] { red.Address, farRed.Address, Vip })
            Assert.NotEqual(red.Address, (await blue.Place.CallAsync(forbidden, 80, 0.7)).Split(' ')[0]);
        Assert.Equal("TimedOut", await blue.Place.CallAsync(farRed.Address, 80, 0.7));
        Assert.Equal("TimedOut", await blue.Place.CallAsync(Vip, 80, 0.7));
        // Another address than its own.
        blue.Place.In($"ip addr add 10.130.1.77/32 dev eth0");
        blue.Place.In($"ip route add {red.Address} via {TwoHosts.Resolver} dev eth0 src 10.130.1.77");
        Assert.Equal("TimedOut", await blue.Place.CallAsync(red.Address, 80, 0.7));
        // A machine beside the hosts: to containers, to virtual addresses, to the name server.
        _hosts.Stranger.In("ip route add 10.128.0.0/10 via 10.202.0.11");
        _hosts.Stranger.In($"ip route add {TwoHosts.Resolver} via 10.202.0.11");
        Assert.Equal("TimedOut", await _hosts.Stranger.CallAsync(red.Address, 80, 0.7));
        Assert.NotEqual(red.Address, (await _hosts.Stranger.CallAsync(Vip, 80, 0.7)).Split(' ')[0]);
        using var names = new TestServer(_hosts.First.Place, "names", TwoHosts.Resolver, 5300);
        Assert.Equal("TimedOut", await _hosts.Stranger.CallAsync(TwoHosts.Resolver, 5300, 0.7));
        // And with packets made up as if they were a host's.
        _hosts.Stranger.In("ip link add vx0 address 02:62:0a:ca:00:0c type vxlan id 4097 local 10.202.0.100 dstport 4799 nolearning");
        _hosts.Stranger.In("ip addr add 10.130.2.4/32 dev vx0");
        _hosts.Stranger.In("ip link set vx0 up");
        _hosts.Stranger.In("bridge fdb replace 02:62:0a:ca:00:0b dev vx0 dst 10.202.0.11 self permanent");
        _hosts.Stranger.In("ip neigh replace 10.128.0.1 lladdr 02:62:0a:ca:00:0b dev vx0 nud permanent");
        _hosts.Stranger.In("ip route replace 10.130.1.0/24 via 10.128.0.1 dev vx0 onlink src 10.130.2.4");
        Assert.Equal("TimedOut", await _hosts.Stranger.CallAsync(red.Address, 80, 0.7));
    }

    [Fact]
    public async Task Only_an_internal_network_has_no_way_out()
    {
        var (red, blue, far) = (_hosts.Container(_hosts.First, 0, 2), _hosts.Container(_hosts.First, 1, 3), _hosts.Container(_hosts.Second, 1, 5));
        using var outside = new TestServer(_hosts.Stranger, "outside", "10.202.0.100");
        await _hosts.TellAsync([Web(red.Backend())], [red, blue, far], isBlueInternal: true);

        Assert.Equal("outside 10.202.0.11", await red.Place.CallAsync("10.202.0.100", 80));
        Assert.Equal("outside 10.202.0.11", await red.Place.CallUdpAsync("10.202.0.100", 80));
        Assert.Equal("TimedOut", await blue.Place.CallAsync("10.202.0.100", 80, 0.7));
        using var host = new TestServer(_hosts.First.Place, "host", "10.202.0.11", 81);
        Assert.Equal("TimedOut", await blue.Place.CallAsync("10.202.0.11", 81, 0.7));
        Assert.Equal("TimedOut", await blue.Place.CallAsync("10.202.0.12", 8080, 0.7));
        Assert.Equal($"{far.Address} {blue.Address}", await blue.Place.CallAsync(far.Address, 80));
    }

    [Fact]
    public async Task A_published_port_answers_on_every_host_and_keeps_the_clients_address()
    {
        var (here, elsewhere) = (_hosts.Container(_hosts.First, 0, 2), _hosts.Container(_hosts.First, 1, 3));
        await _hosts.TellAsync([Web(here.Backend())], [here, elsewhere]);

        foreach (var host in new[] { "10.202.0.11", "10.202.0.12" })
        {
            Assert.Equal($"{here.Address} 10.202.0.100", await _hosts.Stranger.CallAsync(host, 8080));
            Assert.Equal($"{here.Address} 10.202.0.100", await _hosts.Stranger.CallUdpAsync(host, 8080));
        }
        foreach (var host in new[] { _hosts.First, _hosts.Second })
        {
            foreach (var address in new[] { "127.0.0.1", "10.202.0.11", "10.202.0.12" })
                Assert.StartsWith(here.Address + " ", await host.Place.CallAsync(address, 8080), StringComparison.Ordinal);
        }
        // From a container of another network, and of its own.
        Assert.StartsWith(here.Address + " ", await elsewhere.Place.CallAsync("10.202.0.11", 8080), StringComparison.Ordinal);
        Assert.StartsWith(here.Address + " ", await elsewhere.Place.CallAsync("10.202.0.12", 8080), StringComparison.Ordinal);
        Assert.StartsWith(here.Address + " ", await here.Place.CallAsync("10.202.0.11", 8080), StringComparison.Ordinal);

        await _hosts.TellAsync([Web()], [here, elsewhere]);
        Assert.Equal("ConnectionRefused", await _hosts.Stranger.CallAsync("10.202.0.12", 8080));
    }

    [Fact]
    public async Task Who_drains_keeps_its_connections_and_who_is_gone_loses_them_at_once()
    {
        var (client, here, there) = (_hosts.Container(_hosts.First, 0, 2), _hosts.Container(_hosts.First, 0, 3), _hosts.Container(_hosts.Second, 0, 4));
        await _hosts.TellAsync([Web(there.Backend())], [client, here, there]);
        var (inside, _) = await client.Place.ConnectAsync(Vip, 80);
        var (outside, _) = await _hosts.Stranger.ConnectAsync("10.202.0.11", 8080);
        Assert.StartsWith(there.Address, await TestNamespace.HeardAsync(inside!), StringComparison.Ordinal);
        Assert.StartsWith(there.Address, await TestNamespace.HeardAsync(outside!), StringComparison.Ordinal);

        await _hosts.TellAsync([Web(there.Backend(isDraining: true), here.Backend())], [client, here, there]);
        for (var call = 0; call < 10; call++)
            Assert.StartsWith(here.Address, await client.Place.CallAsync(Vip, 80), StringComparison.Ordinal);
        var quiet = inside!.ReceiveAsync(new byte[10]);
        Assert.NotSame(quiet, await Task.WhenAny(quiet, Task.Delay(500)));

        // Both clients only wait: nothing but the host tells them.
        var waiting = outside!.ReceiveAsync(new byte[10]);
        await _hosts.TellAsync([Web(here.Backend())], [client, here]);
        foreach (var cut in new[] { quiet, waiting })
        {
            Assert.Same(cut, await Task.WhenAny(cut, Task.Delay(5000)));
            Assert.Equal(SocketError.ConnectionReset, (await Assert.ThrowsAsync<SocketException>(() => cut)).SocketErrorCode);
        }
    }

    [Fact]
    public async Task A_task_that_died_on_this_host_is_called_no_more_before_managers_know()
    {
        var (client, dead, other) = (_hosts.Container(_hosts.First, 0, 2), _hosts.Container(_hosts.First, 0, 3), _hosts.Container(_hosts.Second, 0, 4));
        await _hosts.TellAsync([Web(dead.Backend(), other.Backend())], [client, dead, other]);

        await _hosts.TellAsync([Web(dead.Backend(), other.Backend())], [client, other]);

        for (var call = 0; call < 10; call++)
            Assert.StartsWith(other.Address, await client.Place.CallAsync(Vip, 80), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_firewall_flushes_is_put_back_and_said()
    {
        var (client, there) = (_hosts.Container(_hosts.First, 0, 2), _hosts.Container(_hosts.Second, 0, 4));
        await _hosts.TellAsync([Web(there.Backend())], [client, there]);
        Assert.StartsWith(there.Address, await client.Place.CallAsync(Vip, 80), StringComparison.Ordinal);
        Assert.Empty(_hosts.First.Keeper.Warnings);

        foreach (var damage in new[] { "nft flush ruleset", "nft delete table ip berth", "nft flush chain ip berth forwarded", "nft flush map ip berth services", "iptables -F FORWARD" })
        {
            var (held, _) = await client.Place.ConnectAsync(Vip, 80);
            Assert.StartsWith(there.Address, await TestNamespace.HeardAsync(held!), StringComparison.Ordinal);
            _hosts.First.Place.In(damage);
            // A ruleset without policies is open; one that drops is what firewalls leave.
            _hosts.First.Place.In("iptables -P FORWARD DROP");
            await EventuallyAsync(async () => (await client.Place.CallAsync(Vip, 80, 1)).StartsWith(there.Address, StringComparison.Ordinal), damage);
            Assert.Equal(1, await held!.SendAsync(new byte[1]));
            held.Dispose();
        }
        await EventuallyAsync(() => Task.FromResult(_hosts.First.Keeper.Warnings.Length == 1), "a warning");
        Assert.Contains("put back", _hosts.First.Keeper.Warnings[0], StringComparison.Ordinal);
    }

    private static async Task EventuallyAsync(Func<Task<bool>> condition, string what)
    {
        for (var attempt = 0; attempt < 50; attempt++)
        {
            if (await condition())
                return;
            await Task.Delay(200);
        }
        Assert.Fail($"not healed: {what}");
    }

    private static ServiceEndpoints Web(params Backend[] backends) => new()
    {
        Id = new ServiceId(7), Name = "web", Networks = [new ServiceNetwork(TwoHosts.Network(0), IPAddress.Parse(Vip), [])],
        Published = [new PublishedPort("", PortProtocol.Tcp, 80, 8080), new PublishedPort("", PortProtocol.Udp, 80, 8080)],
        Backends = new ValueList<Backend>([.. backends]),
    };
}
