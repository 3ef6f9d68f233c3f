using Berth.Manager.Store;

namespace Berth.Manager.Leadership;

/// <summary>What <see cref="StoreRouter"/> understands besides <see cref="StoreProtocol"/>.</summary>
public static class LeadershipProtocol
{
    /// <summary>This process leads from now on: start the store.</summary>
    public sealed record Lead(long Epoch);

    /// <summary>Take no more writes and finish what was taken; answered with <see cref="SteppedDown"/>.</summary>
    public sealed record StepDown;

    /// <summary>Nothing is being written any more.</summary>
    public sealed record SteppedDown;

    /// <summary>From a standby's follower: the state is now this.</summary>
    public sealed record Followed(StoreProtocol.StateChanged Changed);

    /// <summary>To the follower: follow no more, this process takes the lead. Answered with <see cref="HandedOver"/>.</summary>
    public sealed record HandOver;

    /// <summary>What the follower held; nothing follows from it but what it kept for the next leader, which is sent behind this.</summary>
    /// <param name="State">The newest state it had; null when it had none yet.</param>
    public sealed record HandedOver(ClusterState? State);
}
