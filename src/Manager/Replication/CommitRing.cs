using Berth.Manager.Store;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Replication;

/// <summary>The newest commits, as they go to standbys; bounded. A standby that was away for a moment catches up from here.</summary>
/// <param name="mostCommits">Commits kept.</param>
/// <param name="mostBytes">Their size together.</param>
internal sealed class CommitRing(int mostCommits = 10_000, long mostBytes = 32L << 20)
{
    private readonly Queue<(V1.LogStep Step, int Bytes)> _commits = [];
    private long _bytes;

    /// <summary>Newest commit; 0 before the first.</summary>
    public long Newest { get; private set; }

    /// <summary>The state before the oldest commit that is kept.</summary>
    public long Base => Newest - _commits.Count;

    /// <summary>Begins at a state: what is before it is not kept.</summary>
    public void Begin(long index)
    {
        _commits.Clear();
        (_bytes, Newest) = (0, index);
    }

    /// <summary>Adds the next commit.</summary>
    public void Add(V1.LogStep step)
    {
        if (step.Commit.Index != Newest + 1)
            throw new InvalidOperationException($"commit {step.Commit.Index} does not follow {Newest}");
        Newest++;
        var bytes = step.CalculateSize();
        _commits.Enqueue((step, bytes));
        _bytes += bytes;
        while (_commits.Count > mostCommits || (_bytes > mostBytes && _commits.Count > 1))
            _bytes -= _commits.Dequeue().Bytes;
    }

    /// <summary>The commits after <paramref name="index"/>; null when some of them are not kept, or it is ahead of all.</summary>
    public IReadOnlyList<V1.LogStep>? After(long index) =>
        index < Base || index > Newest ? null : [.. _commits.Skip((int)(index - Base)).Select(commit => commit.Step)];
}
