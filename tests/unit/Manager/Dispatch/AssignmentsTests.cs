using Berth.Agent.Session;
using Berth.Agent.Tasks;
using Berth.Manager.Dispatch;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Tests.Manager.Scheduling;
using CsCheck;
using V1 = Berth.Protocol.V1;

namespace Berth.Tests.Manager.Dispatch;

public sealed class AssignmentsTests
{
    [Fact]
    public void A_full_set_and_the_changes_after_it_leave_the_agent_with_exactly_what_its_node_is_to_hold() =>
        Gen.Select(Gen.Int[0, 7], Gen.Int[0, 40]).Array[1, 60].Sample(steps =>
        {
            var scene = new SchedulingScene();
            NodeId[] nodes = [scene.Node("a"), scene.Node("b")];
            ServiceId[] services = [scene.Service("one"), scene.Service("two")];
            var agents = nodes.Select(node => new ModelAgent(node)).ToList();
            foreach (var agent in agents)
                agent.Take(Assignments.Full(scene.State, agent.Node), scene.State);

            foreach (var (kind, pick) in steps)
            {
                var before = scene.State;
                Step(scene, nodes, services, kind, pick);
                var touched = before.Tasks.Keys.Union(scene.State.Tasks.Keys)
                    .Where(id => !ReferenceEquals(before.Tasks.GetValueOrDefault(id), scene.State.Tasks.GetValueOrDefault(id))).ToList();
                foreach (var agent in agents)
                {
                    var delta = Assignments.Diff(scene.State, agent.Node, agent.Told, touched);
                    if (!delta.IsEmpty)
                        agent.Take(delta, scene.State);
                    Assert.Equal(Wanted(scene.State, agent.Node), agent.Held);
                    agent.RemembersWhatTheManagerThinks();
                    Assert.True(Assignments.Diff(scene.State, agent.Node, agent.Told, touched).IsEmpty);
                }
            }
        });

    [Fact]
    public void A_template_is_sent_once_a_session_and_names_its_service()
    {
        var scene = new SchedulingScene();
        var node = scene.Node("a");
        var web = scene.Service("shop_web");
        var told = new Told();
        scene.TaskOn(web, 1, node);
        var first = Assignments.Full(scene.State, node);
        var set = Assignments.ToWire(first, told, new Templates(scene.State), epoch: 4);
        told.Remember(first);
        var added = scene.TaskOn(web, 2, node);
        var second = Assignments.ToWire(Assignments.Diff(scene.State, node, told, [added]), told, new Templates(scene.State), epoch: 4);

        var template = Assert.Single(set.Templates);
        Assert.Equal(("shop_web", 1L, 4L, true), (template.Value.ServiceName, set.Sequence, set.Epoch, set.Full));
        Assert.Empty(second.Templates);
        Assert.Equal(template.Key, Assert.Single(second.Tasks).Template);
        Assert.Equal((2L, false), (second.Sequence, second.Full));
    }

    [Fact]
    public void A_template_that_no_told_task_names_is_forgotten_and_sent_again_when_needed()
    {
        var scene = new SchedulingScene();
        var node = scene.Node("a");
        var told = new Told();
        told.Remember(Assignments.Full(scene.State, node));
        var web = scene.Service("web");
        for (var round = 1; round <= 3; round++)
        {
            var task = scene.TaskOn(web, 1, node);
            var put = Assignments.Diff(scene.State, node, told, [task]);
            Assert.Single(Assignments.ToWire(put, told, new Templates(scene.State), epoch: 1).Templates);
            told.Remember(put);
            Assert.Single(told.Templates);

            scene.Commit(new Change.TaskRemoved(task));
            told.Remember(Assignments.Diff(scene.State, node, told, [task]));
            Assert.Empty(told.Templates);
        }
    }

    [Fact]
    public void A_report_alone_is_not_echoed()
    {
        var scene = new SchedulingScene();
        var node = scene.Node("a");
        var task = scene.TaskOn(scene.Service("web"), 1, node, TaskState.Preparing);
        var before = scene.State.Tasks[task];
        var told = new Told();
        told.Remember(Assignments.Full(scene.State, node));
        scene.Observe(new Change.TaskObserved(task, before.Status with { State = TaskState.Running }));

        Assert.True(Assignments.AreAlike(before, scene.State.Tasks[task]));
        Assert.True(Assignments.Diff(scene.State, node, told, [task]).IsEmpty);
    }

    [Fact]
    public void A_global_task_is_sent_only_once_it_was_admitted_by_the_scheduler()
    {
        var scene = new SchedulingScene();
        var node = scene.Node("a");
        var task = scene.Task(scene.Service("agent"), 0, node: node);
        Assert.Empty(Assignments.Full(scene.State, node).Put);

        scene.Commit(new Change.TaskAssigned(task, node));
        Assert.Equal(task, Assert.Single(Assignments.Full(scene.State, node).Put).Id);
    }

    private static SortedDictionary<string, V1.TaskState> Wanted(ClusterState state, NodeId node) =>
        new(state.Tasks.Values.Where(task => task.NodeId == node && task.State >= TaskState.Assigned)
            .ToDictionary(task => task.Id.ToString(), task => (V1.TaskState)task.DesiredState));

    private static void Step(SchedulingScene scene, NodeId[] nodes, ServiceId[] services, int kind, int pick)
    {
        var tasks = scene.State.Tasks.Values.OrderBy(task => task.Id).ToList();
        if (kind == 0 || tasks.Count == 0)
        {
            scene.Task(services[pick % 2], pick, node: pick % 5 == 0 ? nodes[0] : null);
            return;
        }
        var task = tasks[pick % tasks.Count];
        switch (kind)
        {
            case 1 when task.State < TaskState.Assigned:
                scene.Commit(new Change.TaskAssigned(task.Id, task.NodeId ?? nodes[pick % 2]));
                break;
            case 2 when task.State >= TaskState.Assigned:
                scene.Observe(new Change.TaskObserved(task.Id, task.Status with { State = TaskState.Running }));
                break;
            case 3:
                scene.Desire(task.Id, pick % 3 == 0 ? TaskState.Remove : TaskState.Shutdown);
                break;
            case 4 when task.NodeId is not null:
                scene.Ended(task.Id, TaskState.Failed);
                break;
            case 5:
                scene.Commit(new Change.TaskRemoved(task.Id));
                break;
            case 6:
                scene.Update(task.ServiceId);
                break;
            case 7:
                scene.Commit(new Change.TaskRespecified(task.Id, scene.State.Services[task.ServiceId].SpecVersion));
                break;
        }
    }

    // Does with sets what agent.proto says an agent does; reads them as an agent does.
    private sealed class ModelAgent(NodeId node)
    {
        private static readonly Dictionary<TaskId, HeldTask> Forgetful = [];
        private readonly AssignmentInbox _inbox = new(epoch: 1);

        public NodeId Node { get; } = node;
        public Told Told { get; } = new();
        public SortedDictionary<string, V1.TaskState> Held { get; } = [];

        public void Take(AssignmentDelta delta, ClusterState state)
        {
            var set = Assignments.ToWire(delta, Told, new Templates(state), 1);
            Told.Remember(delta);
            Assert.Equal(Told.Sequence, set.Sequence);
            Assert.All(set.Templates.Keys, key => Assert.DoesNotContain(key, _inbox.Templates));
            _inbox.Read(set, Forgetful);
            if (set.Full)
                Held.Clear();
            foreach (var task in set.Tasks)
            {
                Held[task.TaskId] = task.DesiredState;
            }
            Assert.All(set.Removed, removed => Assert.True(Held.Remove(removed)));
        }

        public void RemembersWhatTheManagerThinks() => Assert.Equal(
            Told.Templates.Select(template => $"{template.Service}/{template.SpecVersion}").Order(StringComparer.Ordinal),
            _inbox.Templates.Order(StringComparer.Ordinal));
    }
}
