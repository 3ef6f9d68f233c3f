using System.Collections.Immutable;
using Berth.Model;

namespace Berth.Manager.Store;

/// <summary>What a command did to one service.</summary>
/// <param name="Id">The service, also when it is gone now.</param>
/// <param name="Name">Its name.</param>
/// <param name="Kind">What happened to it.</param>
/// <param name="ReplacesTasks">Whether its tasks are replaced by it.</param>
public sealed record ServiceOutcome(ServiceId Id, string Name, ServiceOutcomeKind Kind, bool ReplacesTasks);

/// <summary>What happened to a service; the numbers are the wire's.</summary>
public enum ServiceOutcomeKind
{
    /// <summary>It was so already.</summary>
    Unchanged = 0,
    /// <summary>It is new.</summary>
    Created = 1,
    /// <summary>Its spec is another now.</summary>
    Updated = 2,
    /// <summary>It is gone; its tasks follow.</summary>
    Removed = 3,
}

/// <summary>Answers of <see cref="Commands.Decide"/>, by command.</summary>
public static class CommandResults
{
    /// <summary>Of <see cref="Command.DeployStack"/>: the stack and every service in file order, removed ones last.</summary>
    public sealed record StackDeployed(Stack Stack, ImmutableArray<ServiceOutcome> Services)
    {
        /// <summary>Names of networks that are new.</summary>
        public ImmutableArray<string> NewNetworks { get; init; } = [];
    }

    /// <summary>Of every command about services, and of <see cref="Command.RemoveStack"/>: one outcome a service, in the
    /// order asked.</summary>
    public sealed record ServicesChanged(ImmutableArray<ServiceOutcome> Services);

    /// <summary>Of <see cref="Command.SetStoreAuthority"/>: the one there is.</summary>
    public sealed record StoreAuthorityIs(StoreAuthority Authority);

    /// <summary>Of commands about networks: those that were asked about.</summary>
    public sealed record NetworksChanged(ImmutableArray<NetworkId> Networks);

    /// <summary>Of commands about a node.</summary>
    public sealed record NodeChanged(NodeId Node);

    /// <summary>Of <see cref="Command.RemoveNodes"/>.</summary>
    public sealed record NodesRemoved(ValueList<NodeId> Nodes);

    /// <summary>Of commands about whom to trust.</summary>
    public sealed record TrustIs(ClusterTrust Trust);

    /// <summary>Of <see cref="Command.UpdateSettings"/>.</summary>
    public sealed record SettingsAre(ClusterSettings Settings);

    /// <summary>Of commands about a client.</summary>
    public sealed record ClientChanged(string Name);

    /// <summary>Of commands about the unlock key; null while autolock is off.</summary>
    public sealed record UnlockKeyIs(string? Key)
    {
        /// <summary>Without the key.</summary>
        public override string ToString() => nameof(UnlockKeyIs);
    }

    /// <summary>The state is of this release level.</summary>
    public sealed record LevelIs(int Level);
}
