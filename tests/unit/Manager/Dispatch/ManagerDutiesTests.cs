using Berth.Identity;
using Berth.Manager.Dispatch;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Tests.Manager.Store;

namespace Berth.Tests.Manager.Dispatch;

public sealed class ManagerDutiesTests
{
    private static readonly NodeDescription Host = new() { Hostname = "host2", Address = "10.0.0.2" };

    private static ClusterState Joined(NodeRole role) => Samples.ATrustingCluster
        .After(Samples.Joining(1, CertificateRole.Manager))
        .After(Samples.Joining(2) with { Role = role });

    [Fact]
    public void A_managers_host_gets_a_file_with_which_a_manager_joins()
    {
        var duty = ManagerDuties.AtBegin(Joined(NodeRole.Manager), new NodeId(2), Host);
        Assert.True(duty!.Wanted);
        var file = ManagerFile.Parse(duty.ConfigJson);
        Assert.Equal((new NodeId(2), "host2", "10.0.0.2"), (file.NodeId, file.Hostname, file.Address));
        Assert.Equal("https://10.0.0.1:2400", Assert.Single(file.JoinManagers));
        Assert.True(file.JoinToken!.HasSecret(Convert.FromHexString(Samples.Trust.ManagerSecret)));
    }

    [Fact]
    public void A_worker_that_never_was_a_manager_and_an_unknown_node_are_told_nothing()
    {
        Assert.Null(ManagerDuties.AtBegin(Joined(NodeRole.Worker), new NodeId(2), Host));
        Assert.Null(ManagerDuties.AtBegin(Joined(NodeRole.Worker), new NodeId(9), Host));
    }

    [Fact]
    public void A_change_of_role_is_told_and_no_other_change()
    {
        var (worker, manager) = (Joined(NodeRole.Worker), Joined(NodeRole.Manager));
        Assert.True(ManagerDuties.AfterChange(worker, manager, new NodeId(2), Host)!.Wanted);
        Assert.False(ManagerDuties.AfterChange(manager, worker, new NodeId(2), Host)!.Wanted);
        Assert.Null(ManagerDuties.AfterChange(manager, manager, new NodeId(2), Host));
        Assert.Null(ManagerDuties.AfterChange(Samples.ATrustingCluster, manager, new NodeId(2), Host));
    }
}
