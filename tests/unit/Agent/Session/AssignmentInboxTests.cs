using Berth.Agent.Session;
using Berth.Agent.Tasks;
using Berth.Model;
using Berth.Tests.Agent.Tasks;
using V1 = Berth.Protocol.V1;

namespace Berth.Tests.Agent.Session;

public sealed class AssignmentInboxTests
{
    private static readonly Dictionary<TaskId, HeldTask> Nothing = [];

    private static V1.AssignmentSet Set(long sequence, bool full = false, long epoch = 3) => new() { Sequence = sequence, Full = full, Epoch = epoch };

    [Fact]
    public void Templates_are_sent_once_a_session()
    {
        var inbox = new AssignmentInbox(epoch: 3);
        var first = Set(1, full: true);
        first.Templates["t"] = ATask.Template().ToWire();
        first.Tasks.Add(new V1.Assignment { TaskId = new TaskId(4).ToString(), Slot = 1, Template = "t", DesiredState = V1.TaskState.Running });
        inbox.Read(first, Nothing);
        var second = Set(2);
        second.Tasks.Add(new V1.Assignment { TaskId = new TaskId(5).ToString(), Slot = 2, Template = "t", DesiredState = V1.TaskState.Running });
        var task = Assert.Single(inbox.Read(second, Nothing).Tasks);
        Assert.Equal(("web", 2, TaskState.Running), (task.Template.ServiceName, task.Slot, task.Desired));
    }

    [Fact]
    public void A_missing_set_ends_the_session()
    {
        var inbox = new AssignmentInbox(epoch: 3);
        inbox.Read(Set(1, full: true), Nothing);
        Assert.Contains("one is missing", Assert.Throws<ProtocolException>(() => inbox.Read(Set(3), Nothing)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_lower_epoch_is_refused() =>
        Assert.Throws<ProtocolException>(() => new AssignmentInbox(epoch: 4).Read(Set(1, full: true, epoch: 3), Nothing));

    [Fact]
    public void A_session_starts_with_a_full_set() =>
        Assert.Throws<ProtocolException>(() => new AssignmentInbox(epoch: 3).Read(Set(1), Nothing));

    [Fact]
    public void A_template_that_was_never_sent_is_refused()
    {
        var set = Set(1, full: true);
        set.Tasks.Add(new V1.Assignment { TaskId = new TaskId(5).ToString(), Template = "t" });
        Assert.Throws<ProtocolException>(() => new AssignmentInbox(epoch: 3).Read(set, Nothing));
    }
}
