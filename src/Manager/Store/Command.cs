using Berth.Model;

namespace Berth.Manager.Store;

/// <summary>What people, and registering agents, ask for. Closed; decided by <see cref="Commands.Decide"/>.</summary>
/// <remarks>References are text as people write it (id, unique prefix, name): resolving them is part of the decision,
/// so that it happens on the newest state.</remarks>
public abstract record Command
{
    private Command() { }

    /// <summary>Make the stack what the spec says.</summary>
    public sealed record DeployStack(StackSpec Spec, bool KeepOrphans) : Command;

    /// <summary>Remove a stack and its services.</summary>
    public sealed record RemoveStack(string Name) : Command;

    /// <summary>Make a service.</summary>
    public sealed record CreateService(ServiceSpec Spec) : Command;

    /// <summary>Replace a service's spec; <paramref name="Version"/> 0 does not check.</summary>
    public sealed record UpdateService(string Service, long Version, ServiceSpec Spec) : Command;

    /// <summary>Change replica counts, all or none.</summary>
    public sealed record ScaleServices(ValueList<(string Service, int Replicas)> Scales) : Command;

    /// <summary>Swap spec and previous spec.</summary>
    public sealed record RollbackService(string Service) : Command;

    /// <summary>Remove services, all or none.</summary>
    public sealed record RemoveServices(ValueList<string> Services) : Command;

    /// <summary>Change what people decided about a node; null keeps the availability.</summary>
    public sealed record UpdateNode(
        string Node, NodeAvailability? Availability, ValueMap LabelsAdd, ValueList<string> LabelsRemove) : Command;

    /// <summary>An agent registers, or its facts changed. New nodes become members; known ones are updated.</summary>
    public sealed record RegisterNode(NodeId Id, NodeRole Role, NodeDescription Description) : Command
    {
        /// <summary>Attempts its agent made while no manager was there, and the tasks they follow.</summary>
        public ValueList<LocalChain> LocalChains { get; init; }
    }

    /// <summary>A person or tool may call with the certificate of that serial number from now on.</summary>
    public sealed record AdmitClient(
        string Name, ClientRole Role, ValueList<string> Stacks, string Serial, DateTimeOffset ExpiresAt) : Command;

    /// <summary>A client's certificate is worth nothing from now on.</summary>
    public sealed record RemoveClient(string Name) : Command;

    /// <summary>Whether restarted managers wait for the unlock key.</summary>
    /// <param name="IsOn">Whether they do.</param>
    /// <param name="NewKey">The unlock key, unless autolock is on already.</param>
    public sealed record SetAutolock(bool IsOn, string NewKey) : Command
    {
        /// <summary>Without the key.</summary>
        public override string ToString() => $"{nameof(SetAutolock)} {{ IsOn = {IsOn} }}";
    }

    /// <summary>Managers wait for this unlock key instead of the earlier one.</summary>
    public sealed record RotateUnlockKey(string NewKey) : Command
    {
        /// <summary>Without the key.</summary>
        public override string ToString() => nameof(RotateUnlockKey);
    }
}
