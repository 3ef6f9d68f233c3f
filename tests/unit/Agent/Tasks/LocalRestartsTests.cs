using Berth.Agent.Engine;
using Berth.Agent.Tasks;
using Berth.Model;
using CsCheck;

namespace Berth.Tests.Agent.Tasks;

public sealed class LocalRestartsTests
{
    private static readonly DateTimeOffset Now = ATask.Now.AddSeconds(1);

    [Fact]
    public void A_task_that_ended_unheard_is_followed_by_another_in_its_slot()
    {
        var ended = Ended(TaskState.Failed);
        var next = Assert.Single(Decide(Now, ended));

        Assert.NotEqual(ended.Id, next.Id);
        Assert.Equal(ended.Assignment.Template, next.Assignment.Template);
        Assert.Equal((TaskState.Ready, 1, 1), (next.Assignment.Desired, next.Assignment.Slot, next.Assignment.Attempt));
        Assert.Equal(new LocalOrigin(ended.Id, 1, Now, ATask.Now.AddSeconds(5)), next.Local);
    }

    [Fact]
    public void It_runs_once_its_backoff_is_over_and_not_before()
    {
        var (ended, next) = (Ended(TaskState.Failed), Assert.Single(Decide(Now, Ended(TaskState.Failed))));
        Assert.Empty(Decide(ATask.Now.AddSeconds(4.9), ended, next));
        Assert.Equal(ATask.Now.AddSeconds(5), LocalRestarts.NextDue([ended, next]));

        var due = Assert.Single(Decide(ATask.Now.AddSeconds(5), ended, next));
        Assert.Equal((next.Id, TaskState.Running), (due.Id, due.Assignment.Desired));
        Assert.Null(due.Local!.Starts);
        Assert.Empty(Decide(ATask.Now.AddSeconds(6), ended, due));
    }

    [Fact]
    public void What_a_manager_heard_of_is_the_managers_business() =>
        Assert.Empty(Decide(Now, Ended(TaskState.Failed) with { EndedUnheard = false }));

    [Theory]
    [InlineData(RestartCondition.None, TaskState.Failed, 0)]
    [InlineData(RestartCondition.OnFailure, TaskState.Complete, 0)]
    [InlineData(RestartCondition.OnFailure, TaskState.Failed, 1)]
    [InlineData(RestartCondition.Any, TaskState.Complete, 1)]
    [InlineData(RestartCondition.Any, TaskState.Rejected, 1)]
    public void The_services_condition_is_kept(RestartCondition condition, TaskState state, int follow) =>
        Assert.Equal(follow, Decide(Now, Ended(state, new RestartPolicy { Condition = condition })).Count);

    [Theory]
    [InlineData(3, 2, 1)]
    [InlineData(3, 3, 0)]
    public void Failures_before_the_managers_went_away_count_towards_the_attempts(int most, int attempt, int follow)
    {
        var ended = Ended(TaskState.Failed, new RestartPolicy { MaxAttempts = most });
        Assert.Equal(follow, Decide(Now, ended with { Assignment = ended.Assignment with { Attempt = attempt } }).Count);
    }

    [Fact]
    public void A_slot_that_another_task_serves_already_is_left_alone() =>
        Assert.Empty(Decide(Now, Ended(TaskState.Failed), ATask.Held(TaskState.Running, phase: ContainerPhase.Running, id: 9)));

    [Fact]
    public void A_clock_that_was_set_back_makes_nobody_wait_for_ever()
    {
        var next = Assert.Single(Decide(Now, Ended(TaskState.Failed)));
        var clamped = Assert.Single(Decide(Now.AddHours(-5), Ended(TaskState.Failed), next));
        Assert.Equal(Now.AddHours(-5) + RestartBackoff.LongestDelay, clamped.Local!.Starts);
    }

    [Fact]
    public void A_crash_loop_makes_ever_longer_pauses_keeps_few_remains_and_never_runs_twice()
    {
        var policies = Gen.Select(Gen.Int[0, 4], Gen.Int[0, 8], (most, delay) => new RestartPolicy { MaxAttempts = most, Delay = TimeSpan.FromSeconds(delay) });
        Gen.Select(policies, Gen.Int[0, 3], Gen.Int[1, 40].List[50], Gen.Int[0, 1000]).Sample((policy, attempt, steps, seed) =>
        {
            var ids = IdSource.Seeded(seed);
            var now = Now;
            var root = Ended(TaskState.Failed, policy);
            root = root with { Assignment = root.Assignment with { Attempt = attempt } };
            Dictionary<TaskId, HeldTask> held = new() { [root.Id] = root };
            var starts = new List<DateTimeOffset>();
            foreach (var step in steps)
            {
                now += TimeSpan.FromSeconds(step);
                foreach (var task in LocalRestarts.Decide(held.Values, now, ids))
                    held[task.Id] = task;
                foreach (var dropped in held.Values.Where(task => task.IsDropped).ToList())
                    held.Remove(dropped.Id);
                Assert.True(held.Values.Count(task => !task.State.IsTerminal()) <= 1);
                Assert.True(held.Values.Count(task => task.State.IsTerminal()) <= 2 + Math.Max(LocalRestarts.Kept, policy.MaxAttempts));
                // Whatever runs crashes at once.
                foreach (var task in held.Values.Where(task => task is { Assignment.Desired: TaskState.Running, State: < TaskState.Complete }).ToList())
                {
                    starts.Add(now);
                    held[task.Id] = task with { EndedUnheard = true, Status = task.Status with { State = TaskState.Failed, Timestamp = now } };
                }
            }
            if (policy.MaxAttempts > 0)
                Assert.True(starts.Count <= Math.Max(0, policy.MaxAttempts - attempt));
            for (var at = 1; at < starts.Count; at++)
                Assert.True(starts[at] - starts[at - 1] >= RestartBackoff.Wait(policy.Delay, at + attempt));
        }, iter: 200);
    }

    private static IReadOnlyList<HeldTask> Decide(DateTimeOffset now, params HeldTask[] held) => LocalRestarts.Decide(held, now, IdSource.Seeded(1));

    private static HeldTask Ended(TaskState state, RestartPolicy? policy = null)
    {
        var template = ATask.Template();
        return ATask.Held(state, template: template with { Spec = template.Spec with { Restart = policy ?? new RestartPolicy() } }) with { EndedUnheard = true };
    }
}
