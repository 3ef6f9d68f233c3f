using System.Collections.Immutable;
using Berth.Model;

namespace Berth.Manager.Store;

/// <summary>Gathers which objects changed since the last published state.</summary>
internal sealed class TouchedObjects
{
    private readonly HashSet<ServiceId> _services = [];
    private readonly HashSet<NodeId> _nodes = [];
    private readonly HashSet<TaskId> _tasks = [];
    private readonly HashSet<NetworkId> _networks = [];

    public bool IsEmpty { get; private set; } = true;

    /// <summary>Adds what <paramref name="changes"/> touch; <paramref name="before"/> names the service of a task that is
    /// removed by them, <paramref name="after"/> that of a new one.</summary>
    public void Add(ReadOnlySpan<Change> changes, ClusterState before, ClusterState after)
    {
        IsEmpty &= changes.IsEmpty;
        foreach (var change in changes)
        {
            switch (change)
            {
                case Change.ServicePut put:
                    _services.Add(put.Service.Id);
                    break;
                case Change.ServiceRemoved removed:
                    _services.Add(removed.Id);
                    break;
                case Change.NodePut put:
                    _nodes.Add(put.Node.Id);
                    break;
                case Change.NodeRemoved removed:
                    _nodes.Add(removed.Id);
                    break;
                case Change.NodeNetworksPut put:
                    _nodes.Add(put.Id);
                    break;
                case Change.NetworkPut put:
                    _networks.Add(put.Network.Id);
                    break;
                case Change.NetworkRemoved removed:
                    _networks.Add(removed.Id);
                    break;
                case Change.NodeObserved observed:
                    _nodes.Add(observed.Id);
                    break;
                case Change.TaskCreated created:
                    _services.Add(created.ServiceId);
                    _tasks.Add(created.Id);
                    break;
                default:
                    AddTask(change, before, after);
                    break;
            }
        }
    }

    /// <summary>What was gathered; nothing may be added any more.</summary>
    public Touched ToTouched() => new(false, new(_services), new(_nodes), new(_tasks)) { Networks = new(_networks) };

    private void AddTask(Change change, ClusterState before, ClusterState after)
    {
        TaskId? id = change switch
        {
            Change.TaskAssigned assigned => assigned.Id,
            Change.TaskDesired desired => desired.Id,
            Change.TaskRespecified respecified => respecified.Id,
            Change.TaskEnded ended => ended.Id,
            Change.TaskRemoved removed => removed.Id,
            Change.TaskObserved observed => observed.Id,
            _ => null,
        };
        if (id is not { } task || !_tasks.Add(task))
            return;
        if (after.Tasks.TryGetValue(task, out var found) || before.Tasks.TryGetValue(task, out found))
            _services.Add(found.ServiceId);
    }
}
