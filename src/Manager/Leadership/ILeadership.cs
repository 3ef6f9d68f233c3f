using Berth.Manager.Store;

namespace Berth.Manager.Leadership;

/// <summary>Who leads, as far as this process knows. Any thread may ask.</summary>
public interface ILeadership
{
    /// <summary>The record as it was last seen, or <see cref="LeaderRecord.None"/>; while this process leads, its own.</summary>
    LeaderRecord Current { get; }

    /// <summary>Whether this process took the lead, and has neither lost it nor let go.</summary>
    bool IsLeading { get; }

    /// <summary>Whether this process leads, its store has read all that was written before, and nobody else can have taken the lead yet
    /// by the monotonic clock: only then may what it holds be called the newest.</summary>
    bool HasValidLease { get; }

    /// <summary>Ends at the next change of <see cref="Current"/>'s holder, address or epoch, or of <see cref="IsLeading"/>.</summary>
    Task Changed { get; }

    /// <summary>Something hints that the leader is gone: reads the record at once. Takes nothing earlier than the rules allow.</summary>
    void LookNow();
}
