using Berth.Manager.Store;
using Berth.Manager.Updates;
using Berth.Model;

namespace Berth.Manager.Orchestration;

/// <summary>Judges whether a service is as wanted, and says why not. Pure; what waiting commands and progress views ask.</summary>
public static class ProgressJudge
{
    private const int ReasonsShown = 3;

    /// <summary>Judges one service.</summary>
    /// <param name="state">The newest state.</param>
    /// <param name="id">The service; it may be gone.</param>
    /// <param name="now">The manager's clock.</param>
    public static ServiceProgress Judge(ClusterState state, ServiceId id, DateTimeOffset now)
    {
        if (!state.Services.TryGetValue(id, out var service))
            return JudgeRemoved(state, id);

        var view = ServiceView.Of(state, service);
        var slots = Look(view, SlotPlan.Of(view), now);
        var (verdict, reason) = Decide(view, slots);
        return new ServiceProgress
        {
            Verdict = verdict,
            Reason = reason,
            Running = slots.Running,
            Desired = slots.Desired,
            Updated = slots.Updated,
            AskAgainAt = slots.AskAgainAt,
        };
    }

    private static (ProgressVerdict Verdict, string Reason) Decide(ServiceView view, Counts slots)
    {
        var message = view.Service.Rollout?.Message ?? "";
        switch (view.Service.Rollout?.State)
        {
            case RolloutState.Paused:
                return (ProgressVerdict.Paused, message);
            case RolloutState.RollbackPaused:
                return (ProgressVerdict.RollbackPaused, message);
            case RolloutState.RollbackStarted:
                return (ProgressVerdict.RollingBack, slots.Reason.Length > 0 ? $"{message}; {slots.Reason}" : message);
            case RolloutState.Updating:
                return (ProgressVerdict.Converging, slots.Reason.Length > 0 ? slots.Reason : "watches the last slots");
        }
        if (slots is { Waiting: 0, GaveUp: > 0 })
            return (ProgressVerdict.Paused, slots.Reason);
        if (!slots.IsStable)
            return (ProgressVerdict.Converging, slots.Reason);
        return view.Service.Rollout is { State: RolloutState.RollbackCompleted }
            ? (ProgressVerdict.RolledBack, message)
            : (ProgressVerdict.Converged, "");
    }

    private static Counts Look(ServiceView view, SlotPlan plan, DateTimeOffset now)
    {
        var counts = new Counts { Desired = plan.Wanted.Count };
        var monitor = view.Config.Monitor;
        foreach (var task in view.Slots.Values.SelectMany(slot => slot.Tasks))
        {
            if (view.State.CountsAsRunning(task))
                counts.Running++;
            if (task.DesiredState > TaskState.Running && !task.State.IsTerminal() && view.IsHeardOf(task))
                counts.Stopping++;
        }
        foreach (var slot in plan.Wanted)
        {
            if (SlotProgress.DoneSince(view, slot) is { } since)
            {
                counts.Updated++;
                if (slot.IsLive && since + monitor > now)
                    counts.WatchUntil(since + monitor);
            }
            else if (IsGivenUp(view, slot))
                counts.Note(SlotProgress.Explain(view, slot, now), ref counts.GaveUp);
            else
                counts.Note(SlotProgress.Explain(view, slot, now), ref counts.Waiting);
        }
        if (plan.Extra.Count(slot => slot.Tasks.Any(task => task.IsLive && !view.IsLost(task))) is > 0 and var extra)
            counts.Note($"{extra} tasks too many", ref counts.Waiting);
        if (counts.Waiting == 0 && counts.Stopping > 0)
            counts.Note($"{counts.Stopping} old {(counts.Stopping == 1 ? "task stops" : "tasks stop")}", ref counts.Waiting);
        return counts;
    }

    private static bool IsGivenUp(ServiceView view, SlotReading slot) =>
        slot is { IsLive: false, Lost.Count: 0, Newest: { } newest, Slot: { } tasks }
        && newest.EndedByItself() && newest.SpecVersion == view.Wanted
        && RestartDecider.Decide(tasks, newest, view.Service.Rollout?.StartedAt ?? view.Service.CreatedAt) is RestartDecision.GaveUp;

    private static ServiceProgress JudgeRemoved(ClusterState state, ServiceId id)
    {
        var left = state.TasksOf(id).Count();
        return left == 0
            ? new ServiceProgress { Verdict = ProgressVerdict.Removed }
            : new ServiceProgress
            {
                Verdict = ProgressVerdict.Converging,
                Reason = left == 1 ? "1 task is not gone yet" : $"{left} tasks are not gone yet",
                Running = state.TasksOf(id).Count(task => task.State == TaskState.Running),
            };
    }

    private sealed class Counts
    {
        private readonly List<string> _reasons = [];
        private int _noted;

        public int Waiting;
        public int GaveUp;

        public int Running { get; set; }
        public int Desired { get; set; }
        public int Updated { get; set; }
        public int Stopping { get; set; }
        public DateTimeOffset? AskAgainAt { get; private set; }

        public bool IsStable => Waiting == 0 && GaveUp == 0 && AskAgainAt is null;

        public string Reason => _noted switch
        {
            0 when AskAgainAt is not null => "runs; watched for the monitor time",
            > ReasonsShown => $"{string.Join("; ", _reasons)}; and {_noted - ReasonsShown} more",
            _ => string.Join("; ", _reasons),
        };

        public void WatchUntil(DateTimeOffset at) => AskAgainAt = AskAgainAt is { } known && known > at ? known : at;

        public void Note(string reason, ref int count)
        {
            count++;
            if (_noted++ < ReasonsShown)
                _reasons.Add(reason);
        }
    }
}
