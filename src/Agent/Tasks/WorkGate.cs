namespace Berth.Agent.Tasks;

/// <summary>Lets a few pieces of work run at a time, the most urgent first and equals in their order.</summary>
/// <remarks>An engine starts containers fastest with about two at once per core; more only make each slower.</remarks>
public sealed class WorkGate(int places)
{
    private readonly Lock _lock = new();
    private readonly PriorityQueue<TaskCompletionSource, (int Urgency, long Order)> _waiting = new();
    private int _free = places;
    private long _order;

    /// <summary>Waits for a place. Dispose what it returns to give the place back.</summary>
    /// <param name="urgency">Lower goes first.</param>
    /// <param name="cancellation">Gives up waiting; a place once had is kept.</param>
    public async Task<IDisposable> EnterAsync(int urgency, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_free > 0)
            {
                _free--;
                return new Place(this);
            }
            _waiting.Enqueue(turn, (urgency, _order++));
        }
        await using var giveUp = cancellation.Register(() => turn.TrySetCanceled(cancellation)).ConfigureAwait(false);
        await turn.Task.ConfigureAwait(false);
        return new Place(this);
    }

    private void Leave()
    {
        lock (_lock)
        {
            while (_waiting.TryDequeue(out var next, out _))
            {
                if (next.TrySetResult())
                    return;
            }
            _free++;
        }
    }

    private sealed class Place(WorkGate gate) : IDisposable
    {
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0)
                gate.Leave();
        }
    }
}
