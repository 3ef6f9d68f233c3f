using Berth.Identity;
using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Tests.Manager.Store;

/// <summary>Trust and identities of the store's tests.</summary>
internal static partial class Samples
{
    private static readonly Lazy<AuthorityRecord> First = new(MakeAuthority);
    private static readonly Lazy<AuthorityRecord> Second = new(MakeAuthority);

    public static AuthorityRecord OtherAuthority => Second.Value;

    public static ClusterTrust Trust => new()
    {
        Signing = First.Value,
        WorkerSecret = new string('1', 64),
        ManagerSecret = new string('2', 64),
    };

    public static NodeIdentity Identity => new()
    {
        Id = new NodeId(4),
        ManagerAddress = "10.0.0.4",
        Agent = Held("agent-key") with { Trusts = "a,b" },
        Manager = Held("manager-key"),
    };

    public static HeldCertificate Held(string keyHash, double hours = 24) =>
        new(keyHash, "0A", Noon.AddHours(hours), First.Value.Digest, HeldCertificate.Saying([First.Value.Digest]));

    public static Command.AdmitNode Joining(int number, CertificateRole role = CertificateRole.Worker, string? key = null, double hours = 24) => new(
        new NodeId((UInt128)number), role == CertificateRole.Manager ? NodeRole.Manager : NodeRole.Worker, role,
        $"host{number}", $"10.0.0.{number}", Held(key ?? $"key{number}", hours));

    public static ClusterState ATrustingCluster => ClusterState.Empty
        .Committed(new Change.ClusterFormed(new ClusterId(5)), new Change.LeaderElected(1))
        .After(new Command.EstablishTrust(Trust));

    private static AuthorityRecord MakeAuthority()
    {
        using var authority = CertificateAuthority.Create(new ClusterId(5), Noon, TimeSpan.FromDays(3650));
        return new AuthorityRecord(authority.CertificatePem, authority.KeyPem);
    }
}
