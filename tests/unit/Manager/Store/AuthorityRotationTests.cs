using Berth.Identity;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Protocol;
using CsCheck;
using static Berth.Tests.Manager.Store.Samples;

namespace Berth.Tests.Manager.Store;

public sealed class AuthorityRotationTests
{
    [Fact]
    public void A_rotation_waits_for_everybody_twice()
    {
        var state = ATrustingCluster.After(Joining(1, CertificateRole.Manager), Joining(2), new Command.RotateAuthority(OtherAuthority));
        Assert.Equal(RotationPhase.Announced, state.Trust!.Phase);
        Assert.Equal(Trust.Signing, state.Trust.Signing);
        Assert.Equal([new NodeId(1), new NodeId(2)], AuthorityRotation.WaitsFor(state, Noon).ToArray());

        state = Renewed(Renewed(state, 1, CertificateRole.Manager), 2, CertificateRole.Worker).After(new Command.AdvanceRotation());
        Assert.Equal(RotationPhase.Moving, state.Trust!.Phase);
        Assert.Equal(OtherAuthority, state.Trust.Signing);

        state = Renewed(state, 1, CertificateRole.Manager).After(new Command.AdvanceRotation());
        Assert.Equal([new NodeId(2)], AuthorityRotation.WaitsFor(state, Noon).ToArray());
        Assert.Equal(RotationPhase.Moving, state.Trust!.Phase);

        state = Renewed(state, 2, CertificateRole.Worker).After(new Command.AdvanceRotation());
        Assert.Equal((RotationPhase.None, null), (state.Trust!.Phase, state.Trust.Other));
        Assert.Equal(OtherAuthority, state.Trust.Signing);
        Assert.Null(AuthorityRotation.Next(state, Noon));
    }

    [Fact]
    public void Nobody_waits_for_the_managers_certificate_of_a_host_that_is_no_manager_any_more()
    {
        var state = ATrustingCluster.After(Joining(1, CertificateRole.Manager), Joining(2, CertificateRole.Manager),
            new Command.SetNodeRole(new NodeId(2).ToString(), NodeRole.Worker), new Command.RotateAuthority(OtherAuthority));
        Assert.Equal([new NodeId(1)], AuthorityRotation.WaitsFor(state, Noon).ToArray());
    }

    [Fact]
    public void A_renewal_without_a_word_of_trust_confirms_nothing()
    {
        var state = ATrustingCluster.After(Joining(1), new Command.RotateAuthority(OtherAuthority));
        state = state.After(new Command.RenewCertificate(new NodeId(1), CertificateRole.Worker, Held("key1") with { Trusts = "" }, false));
        Assert.Null(AuthorityRotation.Next(state, Noon));
        Assert.True(AuthorityRotation.MustRenew(state, new NodeId(1), CertificateRole.Worker, Noon));
    }

    [Fact]
    public void Whose_certificate_has_expired_is_not_waited_for()
    {
        var state = ATrustingCluster.After(Joining(1, hours: 1), new Command.RotateAuthority(OtherAuthority));
        Assert.Null(AuthorityRotation.Next(state, Noon));
        Assert.NotNull(AuthorityRotation.Next(state, Noon.AddHours(2)));
    }

    [Fact]
    public void One_rotation_at_a_time_and_never_to_the_same()
    {
        Assert.NotNull(Commands.Decide(ATrustingCluster, new Command.RotateAuthority(Trust.Signing), Noon, IdSource.Seeded(1)).Refusal);
        var rotating = ATrustingCluster.After(Joining(1), new Command.RotateAuthority(OtherAuthority));
        Assert.NotNull(Commands.Decide(rotating, new Command.RotateAuthority(OtherAuthority), Noon, IdSource.Seeded(1)).Refusal);
    }

    [Fact]
    public void A_rotation_to_an_authority_without_key_needs_one_that_signs_elsewhere()
    {
        var outside = OtherAuthority with { KeyPem = "" };
        Assert.Contains("--external-ca", Commands.Decide(ATrustingCluster, new Command.RotateAuthority(outside), Noon, IdSource.Seeded(1)).Refusal!.Message);
        ATrustingCluster.After(new Command.UpdateSettings(null, "https://ca:8888/sign"), new Command.RotateAuthority(outside));
    }

    [Fact]
    public void Certificates_of_clients_outlive_a_rotation_until_the_last_of_them_ends()
    {
        var state = Rotated(WithClients);
        var retired = Assert.Single(state.Trust!.Retired);
        Assert.Equal((Trust.Signing.CertificatePem, Noon.AddDays(90)), (retired.CertificatePem, retired.Until));
        Assert.Equal([Word], state.Trust.Endorsements);
        Assert.Null(AuthorityRotation.Next(state, Noon.AddDays(89)));

        var after = AuthorityRotation.Next(state, Noon.AddDays(90));
        Assert.Equal((0, 0), (after!.Retired.Count, after.Endorsements.Count));
        Assert.Equal(OtherAuthority, after.Signing);
    }

    [Fact]
    public void A_rotation_that_cuts_clients_leaves_no_earlier_authority_at_all()
    {
        var state = Rotated(WithClients);
        var again = state.After(new Command.RotateAuthority(Trust.Signing) { CutsClients = true });
        Assert.Equal((0, 0), (again.Trust!.Retired.Count, again.Trust.Endorsements.Count));
        again = Renewed(Renewed(again, 1).After(new Command.AdvanceRotation()), 1).After(new Command.AdvanceRotation());
        Assert.Equal((RotationPhase.None, 0, false), (again.Trust!.Phase, again.Trust.Retired.Count, again.Trust.CutsClients));
    }

    [Fact]
    public void Nothing_is_kept_for_clients_that_are_not_there_or_by_a_state_that_older_managers_read()
    {
        var none = Rotated(ATrustingCluster.Committed(new Change.LevelRaised(ReleaseLevel.ClientsOutliveRotations)));
        Assert.Equal((0, 0), (none.Trust!.Retired.Count, none.Trust.Endorsements.Count));
        var older = Rotated(ATrustingCluster.After(Ann));
        Assert.Equal((0, 0, ""), (older.Trust!.Retired.Count, older.Trust.Endorsements.Count, older.Clients["ann"].KeyHash));
    }

    private static AuthorityEndorsement Word => new("a", "b", "c");

    private static Command.AdmitClient Ann => new("ann", ClientRole.Admin, [], "0A", Noon.AddDays(90)) { KeyHash = "ff" };

    private static ClusterState WithClients => ATrustingCluster.Committed(new Change.LevelRaised(ReleaseLevel.ClientsOutliveRotations))
        .After(Ann, new Command.AdmitClient("bob", ClientRole.Viewer, [], "0B", Noon.AddDays(2)));

    private static ClusterState Rotated(ClusterState state)
    {
        state = state.After(Joining(1), new Command.RotateAuthority(OtherAuthority) { Endorsement = Word });
        return Renewed(Renewed(state, 1).After(new Command.AdvanceRotation()), 1).After(new Command.AdvanceRotation());
    }

    private static ClusterState Renewed(ClusterState state, int number) => Renewed(state, number, CertificateRole.Worker);

    // Whatever the order in which members renew and rotations are taken on, at each moment every pair of valid members trusts
    // the other's certificate: each trusts what it last confirmed, each shows what it was last given.
    [Fact]
    public void At_no_moment_do_two_members_distrust_each_other() =>
        Gen.Select(Gen.Int[1, 4], Gen.Int[0, 9].List[0, 60]).Sample((members, steps) =>
        {
            var state = ATrustingCluster.After([.. Enumerable.Range(1, members).Select(number => Joining(number))])
                .After(new Command.RotateAuthority(OtherAuthority));
            foreach (var step in steps)
            {
                state = step < 2 ? state.After(new Command.AdvanceRotation())
                    : Renewed(state, 1 + step % members, CertificateRole.Worker);
                AssertMutualTrust(state);
            }
        });

    private static void AssertMutualTrust(ClusterState state)
    {
        var members = state.Identities.Values.Select(identity => identity.Agent!).ToList();
        foreach (var one in members)
        {
            foreach (var other in members)
                Assert.Contains(other.Authority, one.Trusts.Split(','));
            // Managers trust what the state says.
            Assert.Contains(one.Authority, state.Trust!.Digests);
        }
    }

    // As a member does: it stores what it is told to trust, says so, and is given a certificate of who signs then.
    private static ClusterState Renewed(ClusterState state, int number, CertificateRole role)
    {
        var id = new NodeId((UInt128)number);
        var held = state.Identities[id].Of(role)! with
        {
            Authority = state.Trust!.Signing.Digest,
            Trusts = HeldCertificate.Saying(state.Trust.Digests),
        };
        return state.After(new Command.RenewCertificate(id, role, held, IsExpired: false));
    }
}
