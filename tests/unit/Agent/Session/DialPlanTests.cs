using Berth.Agent.Session;
using Berth.Model;
using CsCheck;

namespace Berth.Tests.Agent.Session;

public sealed class DialPlanTests
{
    private static readonly NodeId Node = new(7);

    private static readonly Gen<DialResult> Results = Gen.OneOf(
        DialResult.Unreachable, DialResult.Unreachable, DialResult.NotNow, DialResult.Broke, DialResult.Moved, DialResult.Refused);

    [Fact]
    public void Agents_spread_evenly_over_the_managers_without_a_word()
    {
        var ids = IdSource.Seeded(3);
        var first = Enumerable.Range(0, 10_000).Select(_ => Plan(new NodeId(ids.Next()), 3)).ToList();

        Assert.All(first.CountBy(plan => plan.Order[0].Id), count => Assert.InRange(count.Value, 3150, 3520));
        // Those of a lost manager spread over the others as evenly.
        Assert.All(first.Where(plan => plan.Order[0].Id == "m0").CountBy(plan => plan.Order[1].Id), count => Assert.InRange(count.Value, 1550, 1790));
    }

    [Fact]
    public void A_manager_more_takes_only_its_own_share()
    {
        var ids = IdSource.Seeded(5);
        foreach (var node in Enumerable.Range(0, 1000).Select(_ => new NodeId(ids.Next())))
        {
            var (three, four) = (Plan(node, 3).Order, Plan(node, 4).Order);
            Assert.Equal(three, four.Where(manager => manager.Id != "m3"));
        }
    }

    [Fact]
    public void After_a_break_another_manager_is_dialled_at_once()
    {
        var plan = Plan(Node, 3);
        var (next, dial) = plan.Next(DialResult.Broke, 1);

        Assert.Equal((plan.Order[1], plan.Order[2], TimeSpan.Zero), (dial.Manager, dial.Rival, dial.Wait));
        Assert.Equal(TimeSpan.FromMilliseconds(500), dial.Patience);
        Assert.Equal(plan.Order[2], next.Next(DialResult.Unreachable, 1).Dial.Manager);
    }

    [Fact]
    public void In_a_large_cluster_the_first_dial_waits_a_part_of_the_window()
    {
        var plan = Plan(Node, 3) with { RejoinWindow = TimeSpan.FromSeconds(5) };
        Assert.Equal(TimeSpan.FromSeconds(2), plan.Next(DialResult.Broke, 0.4).Dial.Wait);
    }

    [Fact]
    public void A_manager_that_knows_no_leader_is_held_on_to()
    {
        var (plan, dial) = Plan(Node, 3).Next(DialResult.NotNow, 1);
        Assert.Equal((plan.Order[0], null), (dial.Manager, dial.Rival));
        Assert.InRange(dial.Wait, TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(300));

        var visited = new HashSet<ManagerEndpoint>();
        for (var asked = 0; asked < 60; asked++)
        {
            (plan, dial) = plan.Next(DialResult.NotNow, 0.5);
            visited.Add(dial.Manager);
        }
        Assert.Equal(3, visited.Count);
    }

    [Fact]
    public void A_manager_can_send_the_agent_to_another_and_only_it_can()
    {
        var plan = Plan(Node, 3);
        var target = plan.Order[2].Id;
        var (moved, dial) = plan.Next(DialResult.Moved, 1, target);
        Assert.Equal((target, TimeSpan.Zero), (dial.Manager.Id, dial.Wait));
        // The list changes, and the agent stays where it is.
        Assert.Equal(target, moved.With(Node, Managers(5), [], TimeSpan.Zero).Current.Id);
    }

    [Fact]
    public void Addresses_from_the_command_line_come_last_and_once()
    {
        var plan = DialPlan.Of(Node, Managers(3), [new ManagerEndpoint("", new Uri("https://10.0.0.2:2400")), new ManagerEndpoint("", new Uri("https://10.9.9.9:2400"))], TimeSpan.Zero);
        Assert.Equal(4, plan.Order.Length);
        Assert.Equal("https://10.9.9.9:2400/", plan.Order[3].Url.ToString());
    }

    [Fact]
    public void Whatever_happens_the_rate_of_dials_is_bounded_and_nobody_is_left_out()
    {
        Gen.Select(Gen.Int[1, 5], Results.List[1, 200], Gen.Int[0, 5], Gen.Double[0, 1].List[200]).Sample((count, results, window, chances) =>
        {
            var plan = Plan(Node, count) with { RejoinWindow = TimeSpan.FromSeconds(window) };
            var waited = TimeSpan.Zero;
            var free = 0;
            for (var at = 0; at < results.Count; at++)
            {
                var target = $"m{at % 7}";
                (plan, var dial) = plan.Next(results[at], chances[at], target);
                Assert.Contains(dial.Manager, plan.Order);
                Assert.NotEqual(dial.Manager, dial.Rival);
                Assert.InRange(dial.Wait, TimeSpan.Zero, TimeSpan.FromSeconds(Math.Max(38, 2 + window)));
                Assert.InRange(dial.Patience, TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(5 + 2 * window));
                waited += dial.Wait;
                // Only the first round after a session, or a manager's wish, costs no wait.
                if (results[at] is DialResult.Broke or DialResult.Moved)
                    free = 0;
                else if (dial.Wait == TimeSpan.Zero)
                    Assert.True(++free < count, $"{free} dials without a wait of {count} managers");
                else
                    free = 0;
            }
        });
    }

    [Fact]
    public void While_nobody_answers_every_manager_is_tried_in_each_round_ever_more_slowly()
    {
        var plan = Plan(Node, 3);
        var waits = new List<double>();
        var tried = new List<string>();
        var result = DialResult.Broke;
        for (var at = 0; at < 30; at++, result = DialResult.Unreachable)
        {
            (plan, var dial) = plan.Next(result, 1);
            waits.Add(dial.Wait.TotalMilliseconds);
            tried.Add(dial.Manager.Id);
        }
        Assert.All(tried.Chunk(3), round => Assert.Equal(3, round.Distinct().Count()));
        Assert.Equal([0, 0, 0, 200, 200, 200, 400, 400, 400, 800, 800, 800, 1600, 1600, 1600, 2000], waits.Take(16));
    }

    private static DialPlan Plan(NodeId node, int count) => DialPlan.Of(node, Managers(count), [], TimeSpan.Zero);

    private static IEnumerable<ManagerEndpoint> Managers(int count) =>
        Enumerable.Range(0, count).Select(at => new ManagerEndpoint($"m{at}", new Uri($"https://10.0.0.{at + 1}:2400")));
}
