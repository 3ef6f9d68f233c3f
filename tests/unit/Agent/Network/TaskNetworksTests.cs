using System.Net;
using Berth.Agent.Network;
using Berth.Model;
using Berth.Model.Networks;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Tests.Agent.Network;

public sealed class TaskNetworksTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly Plane _plane = new();
    private readonly Names _names = new();
    private readonly TaskNetworks _networks;

    public TaskNetworksTests() => _networks = new TaskNetworks(_plane, _names, NullLogger.Instance, TimeProvider.System);

    [Fact]
    public async Task A_task_waits_for_its_network_says_so_once_and_goes_on_when_it_comes()
    {
        var said = new List<string>();
        var waits = _networks.ReserveAsync(Task(1), [new NetworkWish(ANetwork.Id(1))], said.Add, CancellationToken.None);
        Assert.False(waits.IsCompleted);
        Tell();

        Assert.Equal("10.130.17.1", Assert.Single(await waits.WaitAsync(Patience)).Address.ToString());
        Assert.Single(said);
    }

    [Fact]
    public async Task Asked_again_a_task_has_the_addresses_that_it_had()
    {
        Tell();
        var first = await ReserveAsync(1);
        await ReserveAsync(2);

        Assert.Equal(first, await ReserveAsync(1));
    }

    [Fact]
    public async Task A_container_is_shown_once_its_namespace_is_there_and_no_more_when_it_ended()
    {
        Tell();
        var addresses = await ReserveAsync(1);
        _networks.Created(Task(1), "c1");
        Assert.Empty(_plane.State.Local);
        await _networks.AttachAsync(new NetworkedContainer(Task(1), "c1", addresses, [new PortConfig(80, 8080), new PortConfig(81, 0)]));

        Assert.Equal(("c1", "10.130.17.1"), Assert.Single(_plane.State.Local) is var local ? (local.Namespace, local.Address.ToString()) : default);
        Assert.Equal(8080, Assert.Single(_plane.State.HostPorts).Port.Published);
        Assert.Contains("c1", _names.There);

        await _networks.ReleaseAsync(Task(1));
        Assert.Empty(_plane.State.Local);
        Assert.Empty(_plane.State.HostPorts);
        Assert.Empty(_names.There);
        Assert.Equal("10.130.17.2", Assert.Single(await ReserveAsync(2)).Address.ToString());
    }

    [Fact]
    public async Task What_containers_have_by_their_labels_nobody_else_gets()
    {
        Tell();
        _networks.Adopt([Container(9, "c9", "10.130.17.1")], asOf: 0);

        Assert.Equal("10.130.17.2", Assert.Single(await ReserveAsync(1)).Address.ToString());
    }

    [Fact]
    public async Task A_listing_takes_back_what_is_no_more_and_nothing_that_was_begun_since()
    {
        Tell();
        _names.There.UnionWith(["c8", "c9", "stranger"]);
        await _networks.RestoreAsync([Container(8, "c8", "10.130.17.8"), Container(9, "c9", "10.130.17.9")]);
        Assert.Equal(2, _plane.State.Local.Length);
        var asOf = TimeProvider.System.GetTimestamp();
        await _networks.AttachAsync(Container(1, "c1", "10.130.17.1"));

        await _networks.SweepAsync([Container(8, "c8", "10.130.17.8")], asOf);

        Assert.Equal(["c1", "c8"], _names.There.Order());
        Assert.Equal(["c1", "c8"], _plane.State.Local.Select(local => local.Namespace).Order());
    }

    [Fact]
    public async Task Who_waits_for_an_address_gets_the_one_that_is_given_back()
    {
        Tell("10.130.17.4/30");
        await ReserveAsync(1);
        await ReserveAsync(2);
        var third = ReserveAsync(3);
        Assert.False(third.IsCompleted);

        await _networks.ReleaseAsync(Task(2));

        Assert.Equal("10.130.17.6", Assert.Single(await third.WaitAsync(Patience)).Address.ToString());
    }

    [Fact]
    public async Task Who_gives_up_waiting_holds_nothing()
    {
        using var giveUp = new CancellationTokenSource();
        var waits = _networks.ReserveAsync(Task(1), [new NetworkWish(ANetwork.Id(1))], _ => { }, giveUp.Token);
        await giveUp.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waits);
    }

    private Task<ValueList<TaskAddress>> ReserveAsync(int task) =>
        _networks.ReserveAsync(Task(task), [new NetworkWish(ANetwork.Id(1))], _ => { }, CancellationToken.None);

    private void Tell(string slice = "10.130.17.0/26") =>
        _plane.Change(state => state with { Wanted = ANetwork.Node(0, ANetwork.Network(1, [slice])) });

    private static NetworkedContainer Container(int task, string container, string address) =>
        new(Task(task), container, [new TaskAddress(ANetwork.Id(1), IPAddress.Parse(address))], []);

    private static TaskId Task(int number) => new((UInt128)number);

    private sealed class Names : INamespaces
    {
        public HashSet<string> There { get; } = [];

        public Task MakeAsync(string name, IReadOnlyList<LocalEndpoint> endpoints, NodeNetworks networks)
        {
            There.Add(name);
            return System.Threading.Tasks.Task.CompletedTask;
        }

        public Task RemoveAsync(IReadOnlyCollection<string> names)
        {
            There.ExceptWith(names);
            return System.Threading.Tasks.Task.CompletedTask;
        }

        public Task<IReadOnlyList<string>> NamesAsync() => System.Threading.Tasks.Task.FromResult<IReadOnlyList<string>>([.. There]);
    }
}
