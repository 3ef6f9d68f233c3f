using Berth.Agent.Engine;

namespace Berth.Agent.Tasks;

/// <summary>What is known now of the engine, and of the agent's own disk, for whoever describes the node.</summary>
public sealed class EngineHealth
{
    private readonly Lock _lock = new();
    private TaskCompletionSource _doubted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What it last said of itself; null before it ever answered.</summary>
    public EngineFacts? Facts { get; private set; }

    /// <summary>Why it does not answer; null while it does.</summary>
    public string? Trouble { get; private set; }

    /// <summary>Why the agent cannot save what it holds; null while it can.</summary>
    public string? DiskTrouble { get; private set; }

    /// <summary>The agent could not save what it holds, or (null) could.</summary>
    /// <returns>Whether that is news.</returns>
    public bool CannotSave(string? reason)
    {
        lock (_lock)
        {
            if (DiskTrouble == reason)
                return false;
            var isNews = DiskTrouble is null || reason is null;
            DiskTrouble = reason;
            Signal();
            return isNews;
        }
    }

    /// <summary>It answered.</summary>
    /// <returns>Whether it had not answered before.</returns>
    public bool Answer(EngineFacts facts)
    {
        lock (_lock)
        {
            var back = Facts is null || Trouble is not null;
            var news = back || !facts.Equals(Facts);
            Facts = facts;
            Trouble = null;
            if (news)
                Signal();
            return back;
        }
    }

    /// <summary>It does not answer.</summary>
    /// <returns>Whether that is news.</returns>
    public bool Lose(string reason, DateTimeOffset now)
    {
        lock (_lock)
        {
            if (Trouble is not null)
                return false;
            Trouble = $"since {now:u}: {reason}";
            Signal();
            return true;
        }
    }

    /// <summary>Completes at the next change after this call.</summary>
    public Task NextChangeAsync(CancellationToken cancellation)
    {
        lock (_lock)
            return _changed.Task.WaitAsync(cancellation);
    }

    /// <summary>A call broke off: somebody should look whether the engine is there, and list again.</summary>
    public void Doubt()
    {
        lock (_lock)
            _doubted.TrySetResult();
    }

    /// <summary>Completes when somebody doubted since <paramref name="settle"/> was last asked for.</summary>
    /// <param name="settle">Whether doubts so far are being looked into.</param>
    public Task DoubtedAsync(bool settle)
    {
        lock (_lock)
        {
            if (settle)
                _doubted = new(TaskCreationOptions.RunContinuationsAsynchronously);
            return _doubted.Task;
        }
    }

    private void Signal()
    {
        _changed.TrySetResult();
        _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
