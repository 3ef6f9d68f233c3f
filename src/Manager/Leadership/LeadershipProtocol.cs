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

    /// <summary>Finish what was taken, end the store actor and keep what comes until <see cref="Resume"/>: the state is to be kept
    /// elsewhere from then on. Answered with <see cref="Paused"/>; a manager that does not lead does not answer.</summary>
    public sealed record Pause;

    /// <summary>Nothing is being written.</summary>
    /// <param name="State">All that was written.</param>
    public sealed record Paused(ClusterState State);

    /// <summary>Start the store again where it was paused.</summary>
    /// <param name="Epoch">The term in which its fences let it write.</param>
    /// <param name="Plugins">Where it is kept from now on; null: where it was.</param>
    public sealed record Resume(long Epoch, StorePlugins? Plugins);

    /// <summary>From a standby's follower: the state is now this.</summary>
    public sealed record Followed(StoreProtocol.StateChanged Changed);

    /// <summary>To the follower: follow no more, this process takes the lead. Answered with <see cref="HandedOver"/>.</summary>
    public sealed record HandOver;

    /// <summary>What the follower held; nothing follows from it but what it kept for the next leader, which is sent behind this.</summary>
    /// <param name="State">The newest state it had; null when it had none yet.</param>
    public sealed record HandedOver(ClusterState? State);
}
