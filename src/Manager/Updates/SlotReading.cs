using Berth.Model;

namespace Berth.Manager.Updates;

/// <summary>A slot's tasks sorted by what they are to the service now. Pure: the same view and slot read the same.</summary>
public sealed class SlotReading
{
    // Nearly every slot has one task and none of these.
    private List<ServiceTask>? _superfluous, _lost, _stopping;

    private SlotReading(SlotKey key, Slot? slot, bool mayCreate, bool isFrozen)
    {
        Key = key;
        Slot = slot;
        MayCreate = mayCreate;
        IsFrozen = isFrozen;
    }

    /// <summary>Which slot.</summary>
    public SlotKey Key { get; }

    /// <summary>Its tasks; null when it has none yet.</summary>
    public Slot? Slot { get; }

    /// <summary>Whether a task may be made here now; false on the nodes of a global service that are paused or not connected.</summary>
    public bool MayCreate { get; }

    /// <summary>Whether the slot keeps what it has whatever is wanted: its node is paused (global services).</summary>
    public bool IsFrozen { get; }

    /// <summary>The live task that stays, or is to take over; null when there is none of the wanted kind.</summary>
    public ServiceTask? Kept { get; private set; }

    /// <summary>The live task that is to be replaced: beside <see cref="Kept"/> it leaves once that one can take over.</summary>
    public ServiceTask? Outgoing { get; private set; }

    /// <summary>Live tasks beyond these two: left over from a replacement that was itself replaced.</summary>
    public IReadOnlyList<ServiceTask> Superfluous => _superfluous ?? (IReadOnlyList<ServiceTask>)[];

    /// <summary>Live tasks whose node is down or gone.</summary>
    public IReadOnlyList<ServiceTask> Lost => _lost ?? (IReadOnlyList<ServiceTask>)[];

    /// <summary>Tasks told to stop that have not ended, where that can be heard of.</summary>
    public IReadOnlyList<ServiceTask> Stopping => _stopping ?? (IReadOnlyList<ServiceTask>)[];

    /// <summary>The newest task; null in a slot without.</summary>
    public ServiceTask? Newest => Slot?.Newest;

    /// <summary>Whether a live task is left that is not lost.</summary>
    public bool IsLive => Kept is not null || Outgoing is not null;

    /// <summary>Reads a slot.</summary>
    public static SlotReading Of(ServiceView view, SlotKey key, Slot? slot, bool mayCreate = true, bool isFrozen = false)
    {
        var reading = new SlotReading(key, slot, mayCreate, isFrozen);
        if (slot is null)
            return reading;
        if (slot.Tasks.Length == 1)
            reading.Place(view, slot.Newest);
        else
        {
            foreach (var task in slot.Tasks)
                reading.Place(view, task);
        }
        return reading;
    }

    private void Place(ServiceView view, ServiceTask task)
    {
        if (task.State.IsTerminal())
            return;
        if (view.IsLost(task))
        {
            if (task.IsLive)
                (_lost ??= []).Add(task);
            return;
        }
        if (!task.IsLive)
            (_stopping ??= []).Add(task);
        else if (Stays(view, task))
            PlaceStaying(view, task);
        else
            PlaceLeaving(view, task);
    }

    // While a rollout is paused, slots it has not reached keep what they have.
    private bool Stays(ServiceView view, ServiceTask task) =>
        IsFrozen || (view.IsPaused || view.IsCurrent(task)) && !view.MustMove(task);

    private void PlaceStaying(ServiceView view, ServiceTask task)
    {
        if (Kept is null)
            Kept = task;
        else if (IsBetter(view, task, Kept))
        {
            PlaceLeaving(view, Kept);
            Kept = task;
        }
        else
            PlaceLeaving(view, task);
    }

    private void PlaceLeaving(ServiceView view, ServiceTask task)
    {
        if (Outgoing is null)
            Outgoing = task;
        else if (Serving(view, task) > Serving(view, Outgoing))
        {
            (_superfluous ??= []).Add(Outgoing);
            Outgoing = task;
        }
        else
            (_superfluous ??= []).Add(task);
    }

    // Tasks come oldest first, so that a tie keeps the older one.
    private static bool IsBetter(ServiceView view, ServiceTask task, ServiceTask than)
    {
        var (current, thanCurrent) = (view.IsCurrent(task), view.IsCurrent(than));
        return current != thanCurrent ? current : Serving(view, task) > Serving(view, than);
    }

    private static int Serving(ServiceView view, ServiceTask task) =>
        (view.Serves(task) ? 2000 : task.DesiredState == TaskState.Running ? 1000 : 0) + (int)task.State;
}
