using System.Collections.Immutable;
using System.Net;
using Berth.Agent.Network.Kernel;
using Berth.Model;
using Berth.Model.Networks;
using Microsoft.Extensions.Logging;

namespace Berth.Agent.Network;

/// <summary>Keeps the host's network stack as the plan wants it: after each change, and looking again every few seconds.</summary>
/// <param name="node">This node: its containers' namespaces are kept apart from those of other agents on the same machine.</param>
/// <param name="plane">What is wanted, and where what is made is shown.</param>
/// <param name="log">The agent's log.</param>
/// <param name="time">The agent's clock.</param>
public sealed class HostNetwork(NodeId node, Plane plane, ILogger log, TimeProvider time) : INamespaces, IDisposable
{
    // Changes that come within this time are made together.
    private static readonly TimeSpan Together = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan HealedIsNews = TimeSpan.FromMinutes(10);

    // What comes in for a container may be for 127.0.0.1 of the host; each container has one way, so it is sent on no other.
    private static readonly (string Path, string Value)[] VethSettings =
        [("net/ipv4/conf/{0}/route_localnet", "1"), ("net/ipv4/conf/{0}/send_redirects", "0"), ("net/ipv6/conf/{0}/disable_ipv6", "1")];

    private readonly NamespaceMaker _namespaces = new(Path.Combine(NamespaceMaker.All, node.ToString()));
    private readonly Lock _lock = new();
    private HostKernel? _kernel;
    private PlaneState? _applied;
    private string? _trouble;
    private (string Text, DateTimeOffset At)? _healed;

    /// <summary>What the kernel lacks, one sentence each; null before it was tried.</summary>
    public IReadOnlyList<string>? Missing { get; private set; }

    /// <summary>Where the host sends packets by routes of its own.</summary>
    public ValueList<IPNetwork> OwnRoutes { get; private set; }

    /// <summary>What is wrong, or was put right lately, one sentence each.</summary>
    public IEnumerable<string> Warnings
    {
        get
        {
            lock (_lock)
            {
                List<string> warnings = [];
                if (_trouble is { } trouble)
                    warnings.Add($"the network of this host is not as the cluster wants it: {trouble}");
                if (_healed is { } healed && time.GetUtcNow() - healed.At < HealedIsNews)
                    warnings.Add($"somebody else changed the network of this host, and it was put right at {healed.At:u}: {healed.Text}");
                return warnings;
            }
        }
    }

    /// <summary>Runs until the agent stops; what was made stays, so that containers go on.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        Missing = await NamespaceMaker.MissingAsync().ConfigureAwait(false);
        foreach (var lack in Missing)
            log.LogWarning("this host takes no tasks of networks: {Reason}", lack);
        while (!stopping.IsCancellationRequested)
        {
            var state = plane.State;
            Reconcile(state);
            var changed = plane.ChangedAsync(state, stopping);
            await Task.WhenAny(changed, Task.Delay(LookAgain, time, stopping)).ConfigureAwait(false);
            if (changed.IsCompletedSuccessfully)
                await Task.Delay(Together, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>The node left its cluster: the host is as it was before.</summary>
    public void Clear() => Reconcile(PlaneState.Empty);

    /// <inheritdoc/>
    public async Task MakeAsync(string name, IReadOnlyList<LocalEndpoint> endpoints, NodeNetworks networks)
    {
        var kernel = Kernel();
        var mtu = HostPlan.OverlayMtu(kernel.UnderlayMtu(networks.Self?.Underlay ?? IPAddress.None, kernel.Links()));
        var interfaces = endpoints.Select(endpoint => Interface(endpoint, networks, mtu)).ToList();
        await _namespaces.MakeAsync(name, interfaces, kernel).ConfigureAwait(false);
        foreach (var endpoint in endpoints)
        {
            foreach (var (path, value) in VethSettings)
                Set(string.Format(System.Globalization.CultureInfo.InvariantCulture, path, endpoint.HostInterface), value);
            kernel.Apply(new HostChange.Neighbour(new HostNeighbour(endpoint.HostInterface, endpoint.Address, HardwareAddress.OfContainer(endpoint.Address)), true));
            kernel.Apply(new HostChange.Route(HostPlan.ToLocal(endpoint), true));
        }
    }

    /// <inheritdoc/>
    public Task RemoveAsync(IReadOnlyCollection<string> names) => _namespaces.RemoveAsync(names);

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> NamesAsync() => _namespaces.NamesAsync();

    /// <inheritdoc/>
    public void Dispose() => _kernel?.Dispose();

    private static ContainerInterface Interface(LocalEndpoint endpoint, NodeNetworks networks, int mtu)
    {
        if (!networks.Networks.TryGetValue(endpoint.Network, out var network))
            throw new IOException($"network {endpoint.Network} is not known to this node any more");
        var own = network.Mtu > 0 ? Math.Min(network.Mtu, mtu) : mtu;
        return new ContainerInterface(endpoint.HostInterface, endpoint.Address, network.Subnet, own, network.IsInternal);
    }

    private static void Set(string setting, string value)
    {
        var path = Path.Combine("/proc/sys", setting);
        if (File.Exists(path))
            File.WriteAllText(path, value);
    }

    private HostKernel Kernel()
    {
        lock (_lock)
            return _kernel ??= new HostKernel();
    }

    private void Reconcile(PlaneState state)
    {
        try
        {
            var kernel = Kernel();
            OwnRoutes = kernel.OwnRoutes().ToValueList();
            var links = kernel.Links();
            var wanted = HostPlan.Of(state, state.Wanted.Self is { } self ? kernel.UnderlayMtu(self.Underlay, links) : 0);
            var (here, lost) = Present(wanted, links);
            var changes = HostDifference.Between(here, kernel.Read(links, here.Settings.Keys));
            var trouble = Apply(kernel, changes);
            Note(trouble ?? lost, changes, isHealed: ReferenceEquals(state, _applied));
            _applied = state;
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            Note(failed.Message, [], isHealed: false);
        }
    }

    // A container whose interface somebody removed cannot be reached; the rest of the host still can be.
    private static (HostState Here, string? Lost) Present(HostState wanted, Dictionary<string, HostLink> links)
    {
        bool IsThere(string device) => !device.StartsWith(InterfaceNames.VethPrefix, StringComparison.Ordinal) || links.ContainsKey(device);
        var lost = wanted.Routes.Where(route => !IsThere(route.Device)).Select(route => route.Destination.BaseAddress.ToString()).Order(StringComparer.Ordinal).ToList();
        return lost.Count == 0 ? (wanted, null) : (wanted with
        {
            Routes = [.. wanted.Routes.Where(route => IsThere(route.Device))],
            Neighbours = [.. wanted.Neighbours.Where(neighbour => IsThere(neighbour.Device))],
        }, $"the interfaces of {lost.Count} containers are gone ({string.Join(", ", lost.Take(5))}): their tasks need to be replaced");
    }

    private static string? Apply(HostKernel kernel, ImmutableArray<HostChange> changes)
    {
        string? trouble = null;
        foreach (var change in changes)
        {
            try
            {
                kernel.Apply(change);
            }
            catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
            {
                trouble ??= refused.Message;
            }
        }
        return trouble;
    }

    private void Note(string? trouble, ImmutableArray<HostChange> changes, bool isHealed)
    {
        lock (_lock)
        {
            if (trouble is not null && trouble != _trouble)
                log.LogWarning("the network of this host is not as the cluster wants it: {Reason}; trying again", trouble);
            _trouble = trouble;
            if (!isHealed || changes.IsEmpty || trouble is not null)
                return;
            _healed = (HostDifference.Summary(changes), time.GetUtcNow());
            log.LogWarning("somebody else changed the network of this host; put right: {Changes}", _healed.Value.Text);
        }
    }
}
