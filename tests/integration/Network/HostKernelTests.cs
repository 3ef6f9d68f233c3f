using System.Net;
using Berth.Agent.Network;
using Berth.Agent.Network.Kernel;
using Berth.Model;

namespace Berth.Tests.Integration.Network;

/// <summary>The plan and the kernel's own view of it, on the real kernel.</summary>
public sealed class HostKernelTests
{
    [SkippableFact]
    public void What_is_planned_is_what_the_kernel_has_after_every_change() => ScratchHost.Run(kernel =>
    {
        ScratchHost.Bring(kernel, ScratchHost.State(3, ScratchHost.Network(1, 2, 3)));
        ScratchHost.Bring(kernel, ScratchHost.State(1, ScratchHost.Network(1, 2), ScratchHost.Network(2)));
        ScratchHost.Bring(kernel, ScratchHost.State(40, ScratchHost.Network(2, 3, 4)));
        ScratchHost.Bring(kernel, PlaneState.Empty);

        Assert.DoesNotContain(InterfaceNames.Overlay, kernel.Links().Keys);
    });

    [SkippableFact]
    public void A_peer_costs_the_same_few_changes_however_many_there_are() => ScratchHost.Run(kernel =>
    {
        ScratchHost.Bring(kernel, ScratchHost.State(10));
        var few = ScratchHost.Bring(kernel, ScratchHost.State(11)).Length;
        ScratchHost.Bring(kernel, ScratchHost.State(100));

        Assert.Equal(few, ScratchHost.Bring(kernel, ScratchHost.State(101)).Length);
        Assert.Equal(5, few);
    });

    [SkippableFact]
    public void A_host_that_got_another_address_has_another_device() => ScratchHost.Run(kernel =>
    {
        var state = ScratchHost.State(2, ScratchHost.Network(1, 2));
        ScratchHost.Bring(kernel, state);
        var moved = state with { Wanted = state.Wanted with { Self = ScratchHost.Peer(1) with { Underlay = IPAddress.Parse("10.9.9.77") } } };

        ScratchHost.Bring(kernel, moved);

        Assert.Equal("10.9.9.77", kernel.Links()[InterfaceNames.Overlay].Overlay!.Underlay.ToString());
    });

    [SkippableFact]
    public void What_somebody_else_took_away_is_put_back() => ScratchHost.Run(kernel =>
    {
        var state = ScratchHost.State(2, ScratchHost.Network(1, 2, 3));
        ScratchHost.Bring(kernel, state);
        kernel.Remove(InterfaceNames.Overlay);
        Assert.NotEmpty(ScratchHost.Bring(kernel, state));
        Assert.Empty(ScratchHost.Bring(kernel, state));
    });

    [SkippableFact]
    public void Containers_of_one_host_reach_each_other_and_nobody_by_an_address_that_is_not_theirs() => ScratchHost.Run(kernel =>
    {
        using var left = new Container(kernel, 1, (1, "10.130.17.1"), (2, "10.130.33.1"));
        using var right = new Container(kernel, 2, (1, "10.130.17.2"));
        using var other = new Container(kernel, 3, (2, "10.130.33.2"));
        var state = ScratchHost.State(1, ScratchHost.Network(1, 2), ScratchHost.Network(2)) with { Local = [.. left.Endpoints, .. right.Endpoints, .. other.Endpoints] };
        ScratchHost.Bring(kernel, state);

        // By the address of the network they share.
        Assert.Equal("10.130.17.1", ScratchHost.Call(left.Name, right.Name, IPAddress.Parse("10.130.17.2")).ToString());
        Assert.Equal("10.130.33.1", ScratchHost.Call(left.Name, other.Name, IPAddress.Parse("10.130.33.2")).ToString());
        Assert.Equal("10.130.17.2", ScratchHost.Call(right.Name, left.Name, IPAddress.Parse("10.130.17.1")).ToString());
        // An address of the second network answers by its own interface, also to somebody outside of it.
        Assert.Equal("10.130.17.2", ScratchHost.Call(right.Name, left.Name, IPAddress.Parse("10.130.33.1")).ToString());
    });

    [SkippableFact]
    public void This_kernel_has_what_networks_need()
    {
        Skip.IfNot(Environment.IsPrivilegedProcess, "namespaces need root");
        Assert.Empty(NamespaceMaker.MissingAsync().GetAwaiter().GetResult());
    }

    /// <summary>A container's namespace, without a container.</summary>
    private sealed class Container : IDisposable
    {
        public Container(HostKernel kernel, int number, params (int Network, string Address)[] places)
        {
            Name = $"test-{Environment.ProcessId}-{number}";
            var task = new TaskId((UInt128)(1000 * Environment.ProcessId + number));
            Endpoints = [.. places.Select((place, index) => new LocalEndpoint(
                task, new NetworkId((UInt128)place.Network), IPAddress.Parse(place.Address), InterfaceNames.Veth(task, index), Name))];
            ScratchHost.Namespaces.MakeAsync(Name, [.. Endpoints.Select((endpoint, index) => new ContainerInterface(
                endpoint.HostInterface, endpoint.Address, ScratchHost.Network(places[index].Network).Subnet, 1450, false))], kernel).GetAwaiter().GetResult();
        }

        public string Name { get; }

        public IReadOnlyList<LocalEndpoint> Endpoints { get; }

        public void Dispose() => ScratchHost.Namespaces.RemoveAsync([Name]).GetAwaiter().GetResult();
    }
}
