using Berth.Agent.Engine;
using Berth.Agent.Tasks;
using Berth.Model;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Tests.Agent.Tasks;

public sealed class TaskKeeperTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_full_disk_holds_new_tasks_back_and_ends_nothing()
    {
        var (disk, engine, board, health) = (new Disk { IsFull = true }, new RefusingEngine(), new TaskBoard(), new EngineHealth());
        var log = NullLogger.Instance;
        using var stop = new CancellationTokenSource();
        var runner = new StepRunner(
            engine, new ImagePulls(engine, log, TimeProvider.System, stop.Token), ATask.Unconnected(health), new AgentIdentity(new NodeId(1), new ClusterId(1)), TimeProvider.System);
        var keeper = new TaskKeeper(runner, disk, board, health, IdSource.Seeded(1), log, TimeProvider.System);
        var running = keeper.RunAsync(stop.Token);

        keeper.Post(new KeeperInput.EngineListed([], 0));
        keeper.Post(new KeeperInput.Assigned(new AssignmentChange(
            true, [ATask.Assignment(1), ATask.Assignment(2, desired: TaskState.Shutdown)], [])));
        await disk.TriedTwice.Task.WaitAsync(Patience);

        Assert.False(running.IsCompleted);
        Assert.Equal(0, engine.Created);
        Assert.Contains("no space left", health.DiskTrouble, StringComparison.Ordinal);
        Assert.Equal((TaskState.Assigned, "held back: the agent cannot save it: no space left on device"), Shown(board, 1));
        Assert.Equal((TaskState.Shutdown, "stopped before it was started"), Shown(board, 2));

        disk.IsFull = false;
        await UntilAsync(() => board.Tasks.GetValueOrDefault(new TaskId(1))?.State == TaskState.Rejected);
        Assert.Equal((1, null), (engine.Created, health.DiskTrouble));
        await stop.CancelAsync();
        await running.WaitAsync(Patience);
    }

    private static (TaskState, string) Shown(TaskBoard board, uint id) =>
        board.Tasks[new TaskId(id)].Status is var status ? (status.State, status.Message) : default;

    private static async Task UntilAsync(Func<bool> holds)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (!holds())
            await Task.Delay(20, limit.Token);
    }

    private sealed class Disk : ITaskMemory
    {
        private int _tries;

        public volatile bool IsFull;

        public TaskCompletionSource TriedTwice { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task SaveAsync(IReadOnlyCollection<HeldTask> tasks, CancellationToken cancellation)
        {
            if (++_tries == 2)
                TriedTwice.TrySetResult();
            return IsFull ? throw new IOException("no space left on device") : Task.CompletedTask;
        }
    }

    /// <summary>Counts what it is asked to create, and refuses it.</summary>
    private sealed class RefusingEngine : UnaskedEngine
    {
        public int Created { get; private set; }

        public override Task<string> CreateAsync(ContainerRequest request, CancellationToken cancellation)
        {
            Created++;
            throw new EngineException(EngineFault.Refused, "refused");
        }
    }
}
