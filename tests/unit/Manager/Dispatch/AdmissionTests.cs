using Berth.Manager.Dispatch;
using Berth.Model;
using V1 = Berth.Protocol.V1;

namespace Berth.Tests.Manager.Dispatch;

public sealed class AdmissionTests
{
    private static readonly ClusterId Ours = new(1);
    private static readonly TimeSpan DownAfter = TimeSpan.FromSeconds(3);

    [Fact]
    public void A_new_agent_and_one_of_this_cluster_are_admitted()
    {
        Assert.Equal(AdmissionVerdict.Admit, Decide(AnAgent("a")).Verdict);
        Assert.Equal(AdmissionVerdict.Admit, Decide(AnAgent("a", cluster: Ours)).Verdict);
    }

    [Fact]
    public void An_agent_of_another_cluster_is_told_what_to_do()
    {
        var admission = Decide(AnAgent("a", cluster: new ClusterId(2)));
        Assert.Equal(AdmissionVerdict.Refuse, admission.Verdict);
        Assert.Contains("delete its data directory", admission.Reason);
    }

    [Fact]
    public void Before_the_journal_is_read_agents_are_asked_to_come_again() =>
        Assert.Equal(AdmissionVerdict.NotYet, Admission.Decide(null, 0, AnAgent("a"), null, default, DownAfter).Verdict);

    [Fact]
    public void An_agent_that_obeyed_a_later_epoch_is_not_taken_over_by_an_old_copy()
    {
        var admission = Decide(AnAgent("a", epoch: 9));
        Assert.Equal(AdmissionVerdict.NotYet, admission.Verdict);
        Assert.Contains("epoch 9", admission.Reason);
    }

    [Fact]
    public void The_same_host_takes_over_its_older_session() =>
        Assert.Equal(AdmissionVerdict.AdmitInstead, Decide(AnAgent("a"), AnAgent("a")).Verdict);

    [Fact]
    public void Another_host_with_the_same_id_is_refused_while_the_first_lives_and_takes_over_when_it_is_dead()
    {
        var admission = Decide(AnAgent("b"), AnAgent("a"), silence: DownAfter - TimeSpan.FromTicks(1));
        Assert.Equal(AdmissionVerdict.Refuse, admission.Verdict);
        Assert.Contains("'a'", admission.Reason);
        Assert.Contains("data directory copied", admission.Reason);
        Assert.Equal(AdmissionVerdict.AdmitInstead, Decide(AnAgent("b"), AnAgent("a"), silence: DownAfter).Verdict);
    }

    [Theory]
    [InlineData(V1.TaskState.New)]
    [InlineData(V1.TaskState.Pending)]
    [InlineData(V1.TaskState.Remove)]
    [InlineData(V1.TaskState.Orphaned)]
    [InlineData((V1.TaskState)513)]
    public void A_state_that_no_agent_reports_is_refused(V1.TaskState state)
    {
        var report = new V1.TaskReport { TaskId = new TaskId(1).ToString(), State = state };
        Assert.Throws<FormatException>(() => Registration.ReadReports([report], DateTimeOffset.UnixEpoch));
    }

    [Fact]
    public void Ages_become_instants_of_the_managers_clock()
    {
        var now = new DateTimeOffset(2026, 1, 1, 0, 0, 10, TimeSpan.Zero);
        var report = new V1.TaskReport { TaskId = new TaskId(1).ToString(), State = V1.TaskState.Running, AgeNs = 4_000_000_000 };
        Assert.Equal(now.AddSeconds(-4), Assert.Single(Registration.ReadReports([report], now)).Status.Timestamp);
    }

    private static Admission Decide(Registration agent, Registration? rival = null, TimeSpan silence = default) =>
        Admission.Decide(Ours, 5, agent, rival, silence, DownAfter);

    private static Registration AnAgent(string hostname, ClusterId? cluster = null, long epoch = 5) =>
        new(new NodeId(1), cluster, epoch, NodeRole.Worker, new NodeDescription { Hostname = hostname }, []) { Level = Berth.Protocol.ReleaseLevel.Own };
}
