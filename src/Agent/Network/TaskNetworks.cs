using System.Collections.Immutable;
using System.Net;
using Berth.Model;
using Berth.Model.Networks;
using Microsoft.Extensions.Logging;

namespace Berth.Agent.Network;

/// <summary>A container that the engine has, with the addresses it was created for.</summary>
/// <param name="Task">Its task.</param>
/// <param name="Container">Its id.</param>
/// <param name="Addresses">In the order of its interfaces.</param>
/// <param name="Ports">Ports of the host that lead to it.</param>
public sealed record NetworkedContainer(TaskId Task, string Container, ValueList<TaskAddress> Addresses, ValueList<PortConfig> Ports);

/// <summary>Gives tasks their addresses and their containers namespaces, and takes both back. What a container has, the container's
/// own labels say: nothing here must outlive the agent.</summary>
public sealed class TaskNetworks(Plane plane, INamespaces namespaces, ILogger log, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<TaskId, Holding> _held = [];
    private ImmutableDictionary<IPAddress, long> _released = ImmutableDictionary<IPAddress, long>.Empty;
    private TaskCompletionSource _freed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _releases;

    /// <summary>Chooses a task's addresses; those it holds already stay. Waits, saying for what, while there are none.</summary>
    /// <param name="task">The task.</param>
    /// <param name="wishes">Its networks.</param>
    /// <param name="say">Takes what is waited for, for people.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<ValueList<TaskAddress>> ReserveAsync(TaskId task, IReadOnlyList<NetworkWish> wishes, Action<string> say, CancellationToken cancellation)
    {
        var said = "";
        while (true)
        {
            var state = plane.State;
            Task freed;
            AddressAnswer answer;
            lock (_lock)
            {
                freed = _freed.Task;
                answer = Choose(task, wishes, state);
            }
            if (answer is AddressAnswer.Chosen chosen)
                return chosen.Addresses;
            if (answer is AddressAnswer.Waits waits && waits.Reason != said)
                say(said = waits.Reason);
            await Task.WhenAny(freed, plane.ChangedAsync(state, cancellation)).ConfigureAwait(false);
            cancellation.ThrowIfCancellationRequested();
        }
    }

    /// <summary>The task's container is created: its addresses are its own until it is gone.</summary>
    public void Created(TaskId task, string container)
    {
        lock (_lock)
        {
            if (_held.TryGetValue(task, out var held))
                _held[task] = held with { Container = container, Since = time.GetTimestamp() };
        }
    }

    /// <summary>Makes the container's namespace; it can be started then.</summary>
    /// <exception cref="IOException">It cannot be made.</exception>
    public async Task AttachAsync(NetworkedContainer container)
    {
        lock (_lock)
            _held[container.Task] = new Holding(container.Addresses, container.Container, time.GetTimestamp());
        await namespaces.MakeAsync(container.Container, Endpoints(container), plane.State.Wanted).ConfigureAwait(false);
        Show([container]);
    }

    /// <summary>The task's container runs no more, or there is none: its namespace goes, and its addresses are free.</summary>
    public async Task ReleaseAsync(TaskId task)
    {
        if (Free(task) is { Container: { } container })
            await RemoveAsync([container]).ConfigureAwait(false);
    }

    /// <summary>As <see cref="ReleaseAsync(TaskId)"/>, of a container whose task is not known.</summary>
    public async Task ReleaseAsync(string container)
    {
        List<TaskId> tasks;
        lock (_lock)
            tasks = [.. _held.Where(entry => entry.Value.Container == container).Select(entry => entry.Key)];
        foreach (var task in tasks)
            await ReleaseAsync(task).ConfigureAwait(false);
    }

    /// <summary>Takes over what containers have: nobody else gets their addresses from here on.</summary>
    /// <param name="containers">Containers of this node that run or may be started.</param>
    /// <param name="asOf">Timestamp from before they were listed.</param>
    public void Adopt(IReadOnlyCollection<NetworkedContainer> containers, long asOf)
    {
        lock (_lock)
        {
            foreach (var container in containers)
                _held.TryAdd(container.Task, new Holding(container.Addresses, container.Container, asOf));
        }
    }

    /// <summary>Shows containers that run in networks already, and takes back what those had that are no more.</summary>
    /// <param name="containers">All containers of this node that run or may be started.</param>
    /// <param name="asOf">Timestamp from before they were listed: what was begun later is newer.</param>
    public async Task SweepAsync(IReadOnlyCollection<NetworkedContainer> containers, long asOf)
    {
        var names = await namespaces.NamesAsync().ConfigureAwait(false);
        var listed = containers.Select(container => container.Container).ToHashSet();
        List<TaskId> gone;
        List<string> strangers;
        lock (_lock)
        {
            gone = [.. _held.Where(entry => entry.Value.Container is { } known && !listed.Contains(known) && entry.Value.Since <= asOf).Select(entry => entry.Key)];
            var kept = _held.Values.Select(held => held.Container).ToHashSet();
            strangers = [.. names.Where(name => !kept.Contains(name) && !listed.Contains(name))];
        }
        var attached = names.ToHashSet();
        Show([.. containers.Where(container => attached.Contains(container.Container))]);
        foreach (var task in gone)
            await ReleaseAsync(task).ConfigureAwait(false);
        if (strangers.Count > 0)
            await RemoveAsync(strangers).ConfigureAwait(false);
    }

    /// <summary>Takes over what an earlier run of the agent held, before the engine is asked. Rules and names are made of it at once.</summary>
    /// <param name="containers">Tasks' containers that ran, or might be started, when last heard of.</param>
    public async Task RestoreAsync(IReadOnlyCollection<NetworkedContainer> containers)
    {
        Adopt(containers, long.MinValue);
        var names = (await namespaces.NamesAsync().ConfigureAwait(false)).ToHashSet();
        Show([.. containers.Where(container => names.Contains(container.Container))]);
    }

    private static List<LocalEndpoint> Endpoints(NetworkedContainer container) =>
        [.. container.Addresses.Select((address, index) =>
            new LocalEndpoint(container.Task, address.Network, address.Address, InterfaceNames.Veth(container.Task, index), container.Container))];

    private AddressAnswer Choose(TaskId task, IReadOnlyList<NetworkWish> wishes, PlaneState state)
    {
        if (_held.TryGetValue(task, out var held))
            return new AddressAnswer.Chosen(held.Addresses);
        var taken = _held.Values.SelectMany(other => other.Addresses).Select(address => address.Address).ToHashSet();
        var answer = AddressChoice.Choose(state.Wanted, wishes, taken, _released);
        if (answer is AddressAnswer.Chosen chosen)
            _held[task] = new Holding(chosen.Addresses, null, time.GetTimestamp());
        return answer;
    }

    private Holding? Free(TaskId task)
    {
        Holding? held;
        lock (_lock)
        {
            if (!_held.Remove(task, out held))
                return null;
            foreach (var address in held.Addresses)
                _released = _released.SetItem(address.Address, ++_releases);
            // Of networks that are no more here nothing need be remembered.
            if (_releases % 1000 == 0)
                _released = _released.RemoveRange(_released.Keys.Where(address =>
                    !plane.State.Wanted.Networks.Values.Any(network => network.Slices.Any(slice => slice.Contains(address)))));
            _freed.TrySetResult();
            _freed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        plane.Change(state => state.Local.Any(local => local.Task == task)
            ? state with
            {
                Local = state.Local.RemoveAll(local => local.Task == task),
                HostPorts = state.HostPorts.RemoveAll(port => port.Task == task),
            }
            : state);
        return held;
    }

    private void Show(IReadOnlyCollection<NetworkedContainer> containers) => plane.Change(state =>
    {
        var added = containers.SelectMany(Endpoints).Except(state.Local).ToList();
        if (added.Count == 0)
            return state;
        var led = from container in containers
                  where !container.Addresses.IsEmpty
                  from port in container.Ports
                  where port.Published != 0
                  select new HostPort(container.Task, port, container.Addresses[0].Address);
        return state with { Local = state.Local.AddRange(added), HostPorts = state.HostPorts.AddRange(led.Except(state.HostPorts)) };
    });

    private async Task RemoveAsync(List<string> names)
    {
        try
        {
            await namespaces.RemoveAsync(names).ConfigureAwait(false);
        }
        catch (IOException refused)
        {
            // Kept without a container it does no harm, and the next listing tries again.
            log.LogWarning("network namespaces of {Containers} containers cannot be removed: {Reason}", names.Count, refused.Message);
        }
    }

    /// <summary>What a task holds.</summary>
    /// <param name="Addresses">Its addresses.</param>
    /// <param name="Container">Its container; null before there is one.</param>
    /// <param name="Since">Timestamp of when it came to this.</param>
    private sealed record Holding(ValueList<TaskAddress> Addresses, string? Container, long Since);
}
