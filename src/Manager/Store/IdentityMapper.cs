using System.Collections.Immutable;
using Berth.Identity;
using Berth.Model;
using Berth.Model.Networks;
using Berth.Protocol;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Store;

/// <summary>Trust and identities in a snapshot.</summary>
public sealed record IdentityParts(
    DateTimeOffset FormedAt, ClusterTrust? Trust, ClusterSettings Settings, ImmutableArray<NodeIdentity> Identities, ImmutableArray<KeyValuePair<string, DateTimeOffset>> RemovedKeys)
{
    /// <summary>Puts them into a state that is being read.</summary>
    internal void Restore(ClusterStateBuilder builder)
    {
        (builder.FormedAt, builder.Trust, builder.Settings) = (FormedAt, Trust, Settings);
        foreach (var identity in Identities)
            builder.Identities[identity.Id] = identity;
        builder.RemovedKeys.AddRange(RemovedKeys);
    }
}

/// <summary>Between trust and identities and their rows in the journal. Both ways lose nothing.</summary>
internal static class IdentityMapper
{
    public static V1.JournalTrust ToWire(ClusterTrust trust) => new()
    {
        Signing = ToWire(trust.Signing),
        Other = trust.Other is { } other ? ToWire(other) : null,
        Phase = (int)trust.Phase,
        WorkerSecret = trust.WorkerSecret,
        ManagerSecret = trust.ManagerSecret,
        CutsClients = trust.CutsClients,
        Retired = { trust.Retired.Select(retired => new V1.JournalRetiredAuthority { CertificatePem = retired.CertificatePem, UntilTicks = retired.Until.UtcTicks }) },
        Endorsements = { trust.Endorsements.Select(word => new V1.AuthorityEndorsement { By = word.By, Of = word.Of, Signature = word.Signature }) },
    };

    public static ClusterTrust ToModel(V1.JournalTrust wire) => new()
    {
        Signing = ToModel(wire.Signing),
        Other = wire.Other is { } other ? ToModel(other) : null,
        Phase = (RotationPhase)wire.Phase,
        WorkerSecret = wire.WorkerSecret,
        ManagerSecret = wire.ManagerSecret,
        CutsClients = wire.CutsClients,
        Retired = [.. wire.Retired.Select(retired => new RetiredAuthority(retired.CertificatePem, JournalMapper.At(retired.UntilTicks)))],
        Endorsements = [.. wire.Endorsements.Select(word => new AuthorityEndorsement(word.By, word.Of, word.Signature))],
    };

    public static V1.JournalSettings ToWire(ClusterSettings settings) => new()
    {
        CertificateValidityTicks = settings.CertificateValidity.Ticks,
        ExternalAuthority = settings.ExternalAuthority,
        NetworkPool = settings.NetworkPool == AddressPlan.DefaultPool ? "" : settings.NetworkPool.ToString(),
        NetworkSize = settings.NetworkSize == AddressPlan.DefaultSize ? 0 : settings.NetworkSize,
    };

    public static ClusterSettings ToModel(V1.JournalSettings wire) => new()
    {
        CertificateValidity = TimeSpan.FromTicks(wire.CertificateValidityTicks),
        ExternalAuthority = wire.ExternalAuthority,
        NetworkPool = wire.NetworkPool.Length == 0 ? AddressPlan.DefaultPool : NetworkMapper.ReadPrefix(wire.NetworkPool),
        NetworkSize = wire.NetworkSize == 0 ? AddressPlan.DefaultSize : wire.NetworkSize,
    };

    public static V1.JournalIdentity ToWire(NodeIdentity identity) => new()
    {
        Node = JournalMapper.ToWire(identity.Id.Value),
        ManagerAddress = identity.ManagerAddress,
        Agent = identity.Agent is { } agent ? ToWire(agent) : null,
        Manager = identity.Manager is { } manager ? ToWire(manager) : null,
        AwaitsApproval = identity.AwaitsApproval,
        IsApproved = identity.IsApproved,
    };

    public static NodeIdentity ToModel(V1.JournalIdentity wire) => new()
    {
        Id = new NodeId(JournalMapper.ToModel(wire.Node)),
        ManagerAddress = wire.ManagerAddress,
        Agent = wire.Agent is { } agent ? ToModel(agent) : null,
        Manager = wire.Manager is { } manager ? ToModel(manager) : null,
        AwaitsApproval = wire.AwaitsApproval,
        IsApproved = wire.IsApproved,
    };

    public static IdentityParts Parts(V1.SnapshotHeader header, IEnumerable<V1.SnapshotChunk> chunks) => new(
        JournalMapper.At(header.FormedTicks),
        header.Trust is { } trust ? ToModel(trust) : null,
        header.Settings is { } settings ? ToModel(settings) : ClusterSettings.Default,
        [.. chunks.SelectMany(chunk => chunk.Identities).Select(ToModel)],
        [.. header.RemovedKeys.Select(key => KeyValuePair.Create(key.Key, JournalMapper.At(key.Value)))]);

    private static V1.JournalAuthority ToWire(AuthorityRecord authority) => new() { CertificatePem = authority.CertificatePem, KeyPem = authority.KeyPem };

    private static AuthorityRecord ToModel(V1.JournalAuthority wire) => new(wire.CertificatePem, wire.KeyPem);

    private static V1.JournalCertificate ToWire(HeldCertificate held) => new()
    {
        KeyHash = held.KeyHash,
        Serial = held.Serial,
        ExpiresTicks = held.ExpiresAt.UtcTicks,
        Authority = held.Authority,
        Trusts = held.Trusts,
    };

    private static HeldCertificate ToModel(V1.JournalCertificate wire) =>
        new(wire.KeyHash, wire.Serial, JournalMapper.At(wire.ExpiresTicks), wire.Authority, wire.Trusts);
}
