using System.Net;
using Berth.Identity;
using Berth.Model;
using Berth.Model.Networks;

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

    /// <summary>Make a network.</summary>
    public sealed record CreateNetwork(NetworkSpec Spec) : Command;

    /// <summary>Remove networks that nothing uses, all or none.</summary>
    public sealed record RemoveNetworks(ValueList<string> Networks) : Command;

    /// <summary>Give these nodes numbers and slices, and take back what they need no more.</summary>
    public sealed record ArrangeNetworks(ValueList<NodeId> Nodes) : Command;

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

    /// <summary>What a node does in the cluster from now on.</summary>
    public sealed record SetNodeRole(string Node, NodeRole Role) : Command;

    /// <summary>Every manager is of this release level.</summary>
    public sealed record RaiseLevel(int Level) : Command;

    /// <summary>The authority of the cluster's etcd, unless it has one.</summary>
    public sealed record SetStoreAuthority(StoreAuthority Authority) : Command;

    /// <summary>An agent registers, or its facts changed. New nodes become members; known ones are updated.</summary>
    public sealed record RegisterNode(NodeId Id, NodeRole Role, NodeDescription Description) : Command
    {
        /// <summary>Attempts its agent made while no manager was there, and the tasks they follow.</summary>
        public ValueList<LocalChain> LocalChains { get; init; }
    }

    /// <summary>The cluster trusts this, unless it trusts something already.</summary>
    public sealed record EstablishTrust(ClusterTrust Trust) : Command;

    /// <summary>A role's join token has another secret from now on, hexadecimal.</summary>
    public sealed record RotateToken(NodeRole Role, string Secret) : Command
    {
        /// <summary>Without the secret.</summary>
        public override string ToString() => $"{nameof(RotateToken)} {{ Role = {Role} }}";
    }

    /// <summary>Changes what was decided about certificates; null keeps it.</summary>
    public sealed record UpdateSettings(TimeSpan? CertificateValidity, string? ExternalAuthority) : Command
    {
        /// <summary>Where networks come from, from now on; null keeps it.</summary>
        public IPNetwork? NetworkPool { get; init; }

        /// <summary>Prefix of networks that nobody asks a subnet for; null keeps it.</summary>
        public int? NetworkSize { get; init; }
    }

    /// <summary>Begins to move the cluster to another authority.</summary>
    public sealed record RotateAuthority(AuthorityRecord Authority) : Command
    {
        /// <summary>The present authority's word that this one follows it; null where its key is not here.</summary>
        public AuthorityEndorsement? Endorsement { get; init; }

        /// <summary>Whether certificates of clients end with the authority that signed them.</summary>
        public bool CutsClients { get; init; }
    }

    /// <summary>Takes the next step of a rotation, when it is time: <see cref="AuthorityRotation"/>.</summary>
    public sealed record AdvanceRotation : Command;

    /// <summary>A node that holds a token becomes a member, or a member gets a certificate for its key again.</summary>
    /// <param name="Id">The node.</param>
    /// <param name="Role">What the token makes of it.</param>
    /// <param name="CertificateRole">What the certificate is for.</param>
    /// <param name="Hostname">The host's name, until its agent says more.</param>
    /// <param name="Address">Where others reach it.</param>
    /// <param name="Certificate">What it is given once this is durable.</param>
    public sealed record AdmitNode(
        NodeId Id, NodeRole Role, CertificateRole CertificateRole, string Hostname, string Address, HeldCertificate Certificate) : Command;

    /// <summary>A member gets a newer certificate for its key.</summary>
    /// <param name="Id">The node.</param>
    /// <param name="Role">What the certificate is for.</param>
    /// <param name="Certificate">What it is given once this is durable.</param>
    /// <param name="IsExpired">Whether the present one has expired: then an administrator must have approved it.</param>
    public sealed record RenewCertificate(NodeId Id, CertificateRole Role, HeldCertificate Certificate, bool IsExpired) : Command;

    /// <summary>A member came back with an expired certificate.</summary>
    public sealed record AskApproval(NodeId Id) : Command;

    /// <summary>Lets a member renew its expired certificate, once.</summary>
    public sealed record ApproveNode(string Node) : Command;

    /// <summary>Removes members, all or none; their certificates and keys are worth nothing from then on.</summary>
    public sealed record RemoveNodes(ValueList<string> Nodes, bool IsForced) : Command;

    /// <summary>A person or tool may call with the certificate of that serial number from now on.</summary>
    public sealed record AdmitClient(
        string Name, ClientRole Role, ValueList<string> Stacks, string Serial, DateTimeOffset ExpiresAt) : Command
    {
        /// <summary>SHA-256 of its key.</summary>
        public string KeyHash { get; init; } = "";
    }

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
