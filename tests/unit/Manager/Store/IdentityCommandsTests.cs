using Berth.Identity;
using Berth.Manager.Store;
using Berth.Model;
using static Berth.Tests.Manager.Store.Samples;

namespace Berth.Tests.Manager.Store;

public sealed class IdentityCommandsTests
{
    [Fact]
    public void Trust_is_established_once()
    {
        var state = ATrustingCluster;
        var again = Commands.Decide(state, new Command.EstablishTrust(Trust with { Signing = OtherAuthority }), Noon, IdSource.Seeded(1));
        Assert.Empty(again.Changes);
        Assert.Equal(state.Trust, Assert.IsType<CommandResults.TrustIs>(again.Result).Trust);
    }

    [Fact]
    public void A_host_with_a_token_becomes_a_member()
    {
        var state = ATrustingCluster.After(Joining(1), Joining(2, CertificateRole.Manager));
        Assert.Equal(("host1", "10.0.0.1", NodeRole.Worker), Facts(state, 1));
        Assert.Equal(("host2", "10.0.0.2", NodeRole.Manager), Facts(state, 2));
        Assert.Equal("https://10.0.0.2:2400", Assert.Single(ManagerEndpoints.Of(state)).Url);
        Assert.Null(NodeAdmission.Problem(state, new NodeId(1), CertificateRole.Worker, "key1"));
        Assert.True(NodeAdmission.IsDemotion(NodeAdmission.Problem(state, new NodeId(1), CertificateRole.Manager, "key1")!));
        Assert.False(NodeAdmission.IsDemotion(NodeAdmission.Problem(state, new NodeId(2), CertificateRole.Manager, "key1")!));
    }

    [Fact]
    public void What_an_agent_says_of_its_role_does_not_count_once_its_token_said()
    {
        var state = ATrustingCluster.After(Joining(1), ANode(1) with { Role = NodeRole.Manager });
        Assert.Equal(NodeRole.Worker, state.Nodes[new NodeId(1)].Spec.Role);
    }

    [Fact]
    public void A_workers_token_makes_no_manager() =>
        Refuses(ATrustingCluster, Joining(1, CertificateRole.Manager) with { Role = NodeRole.Worker }, "does not make a manager");

    [Fact]
    public void A_node_id_with_another_key_is_refused() =>
        Refuses(ATrustingCluster.After(Joining(1)), Joining(1, key: "stranger"), "with another key");

    [Fact]
    public void A_key_of_another_node_is_refused() =>
        Refuses(ATrustingCluster.After(Joining(1)), Joining(2, key: "key1"), "data directory copied");

    [Fact]
    public void The_same_key_may_join_again()
    {
        var state = ATrustingCluster.After(Joining(1), Joining(1, hours: 48));

        Assert.Equal("host1", Assert.Single(state.Nodes.Values).Description.Hostname);
        Assert.Equal(Noon.AddHours(48), Assert.Single(state.Identities.Values).Agent!.ExpiresAt);
    }

    [Fact]
    public void A_removed_node_is_refused_with_its_key_and_joins_again_with_a_new_one()
    {
        var state = ATrustingCluster.After(Joining(1), new Command.RemoveNodes(["host1"], IsForced: false));
        Assert.Empty(state.Nodes);
        Assert.Empty(state.Identities);
        Assert.Contains("was removed", NodeAdmission.Problem(state, new NodeId(1), CertificateRole.Worker, "key1"));
        Refuses(state, Joining(1), "belonged to a node that was removed");
        Refuses(state, new Command.RenewCertificate(new NodeId(1), CertificateRole.Worker, Held("key1"), false), "was removed");

        state = state.After(Joining(1, key: "new"));
        Assert.Null(NodeAdmission.Problem(state, new NodeId(1), CertificateRole.Worker, "new"));
        Assert.NotNull(NodeAdmission.Problem(state, new NodeId(1), CertificateRole.Worker, "key1"));
    }

    [Fact]
    public void A_ready_node_is_removed_only_by_force_and_a_manager_never()
    {
        var state = ATrustingCluster.After(Joining(1), Joining(2, CertificateRole.Manager))
            .Observe([new Change.NodeObserved(new NodeId(1), new NodeStatus(NodeState.Ready, "here", Noon))]);
        Refuses(state, new Command.RemoveNodes(["host1"], IsForced: false), "--force");
        Refuses(state, new Command.RemoveNodes(["host2"], IsForced: true), "demote it first");
        Refuses(state, new Command.RemoveNodes(["host1", "nobody"], IsForced: true), "nobody");
        Assert.Single(state.After(new Command.RemoveNodes(["host1", "host1"], IsForced: true)).Nodes);
    }

    [Fact]
    public void An_expired_certificate_is_renewed_once_after_an_approval()
    {
        var state = ATrustingCluster.After(Joining(1, hours: -1));
        var renew = new Command.RenewCertificate(new NodeId(1), CertificateRole.Worker, Held("key1", -1), IsExpired: true);
        Refuses(state, renew, "berth node approve host1");

        state = state.After(new Command.AskApproval(new NodeId(1)));
        Assert.True(state.Identities[new NodeId(1)].AwaitsApproval);
        state = state.After(new Command.ApproveNode("host1"), renew);
        Assert.False(state.Identities[new NodeId(1)].IsApproved);
        Refuses(state, renew, "berth node approve host1");
    }

    [Fact]
    public void Nothing_is_approved_that_has_not_expired() =>
        Refuses(ATrustingCluster.After(Joining(1)), new Command.ApproveNode("host1"), "nothing to approve");

    [Fact]
    public void A_connection_lives_as_long_as_its_node_renews()
    {
        var state = ATrustingCluster.After(Joining(1));
        var id = new NodeId(1);
        Assert.Null(NodeAdmission.CallProblem(state, id, CertificateRole.Worker, "key1", Noon));
        Assert.Contains("expired", NodeAdmission.CallProblem(state, id, CertificateRole.Worker, "key1", Noon.AddHours(25)));
        state = state.After(new Command.RenewCertificate(id, CertificateRole.Worker, Held("key1", 48), IsExpired: false));
        Assert.Null(NodeAdmission.CallProblem(state, id, CertificateRole.Worker, "key1", Noon.AddHours(25)));
    }

    [Fact]
    public void A_rotated_token_has_another_secret_and_the_other_roles_stays()
    {
        var trust = ATrustingCluster.After(new Command.RotateToken(NodeRole.Worker, new string('9', 64))).Trust!;
        Assert.Equal((new string('9', 64), Trust.ManagerSecret), (trust.WorkerSecret, trust.ManagerSecret));
        Assert.DoesNotContain("9999", $"{trust} {new Command.RotateToken(NodeRole.Worker, new string('9', 64))}");
    }

    [Theory]
    [InlineData(0, "", "not between")]
    [InlineData(24 * 400, "", "not between")]
    [InlineData(24, "http://ca/sign", "https")]
    [InlineData(24, "https://me:secret@ca/sign", "without a password")]
    public void Settings_that_cannot_work_are_refused(int hours, string external, string says) =>
        Refuses(ATrustingCluster, new Command.UpdateSettings(TimeSpan.FromHours(hours), external), says);

    private static void Refuses(ClusterState state, Command command, string says)
    {
        var decision = Commands.Decide(state, command, Noon, IdSource.Seeded(1));
        Assert.NotNull(decision.Refusal);
        Assert.Contains(says, decision.Refusal.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(decision.Changes);
    }

    private static (string, string, NodeRole) Facts(ClusterState state, int number)
    {
        var node = state.Nodes[new NodeId((UInt128)number)];
        return (node.Description.Hostname, node.Description.Address, node.Spec.Role);
    }
}
