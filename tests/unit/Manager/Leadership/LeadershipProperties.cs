using Berth.Manager.Leadership;
using Berth.Manager.Store;
using Berth.Model;
using CsCheck;

namespace Berth.Tests.Manager.Leadership;

/// <summary>Managers with clocks of their own, pauses, and a store that answers late or never, played through in model time.</summary>
public sealed class LeadershipProperties
{
    // Clocks of real machines differ by parts in ten thousand; the lease leaves room for far more than this.
    private static readonly Gen<double> Rates = Gen.Double[0.93, 1.07];

    private static readonly Gen<Model> Models =
        from seed in Gen.Int
        from rates in Rates.Array[3]
        from pauses in Gen.Select(Gen.Int[0, 2], Gen.Int[0, 20_000], Gen.Int[1, 6_000]).Array[0, 12]
        from slow in Gen.Int[1, 600]
        select new Model(seed, rates, pauses, slow);

    [Fact]
    public void There_are_never_two_valid_leases_and_a_term_has_one_holder() =>
        Models.Sample(model => model.Run(), iter: 300);

    [Fact]
    public void Without_trouble_somebody_leads_and_stays()
    {
        var model = new Model(1, [1, 1, 1], [], 5);
        model.Run();
        Assert.Equal(1, model.Record.Epoch);
    }

    /// <summary>One play. All instants are model milliseconds; a manager's own clock runs at its rate, from its own beginning.</summary>
    private sealed class Model(int seed, double[] rates, (int Who, int At, int For)[] pauses, int slowest)
    {
        private static readonly LeadershipTimes Times = new();
        private readonly Random _chance = new(seed);
        private readonly Manager[] _managers = [.. rates.Select((rate, id) => new Manager(new NodeId((ulong)id + 1), rate, id * 1000))];
        private readonly Dictionary<long, NodeId> _holders = [];

        public LeaderRecord Record { get; private set; } = LeaderRecord.None;

        public void Run()
        {
            for (var now = 0; now < 25_000; now++)
            {
                foreach (var manager in _managers)
                {
                    // What is on its way to the store arrives, whatever becomes of its sender.
                    if (manager.Call is { TookEffect: false } sent && now >= sent.TakesEffectAt)
                        manager.Call = Effect(manager, sent);
                    if (!pauses.Any(pause => pause.Who == manager.Index && now >= pause.At && now < pause.At + pause.For))
                        Step(manager, now);
                }
                // A paused manager believes nothing, because it does nothing; what it believes when it awakes is asked then.
                Assert.True(_managers.Count(manager => !manager.IsOver && LeadershipDecider.HasLease(manager.State, manager.Clock(now), Times)) <= 1, $"two leases at {now}");
            }
        }

        private void Step(Manager manager, int now)
        {
            if (manager.IsOver)
                return;
            if (manager.Call is { } call)
            {
                if (now >= call.AnsweredAt)
                    Answer(manager, call, now);
                return;
            }
            var clock = manager.Clock(now);
            var step = LeadershipDecider.Next(manager.State, manager.Index, isReady: _chance.Next(20) > 0, demotedAt: null, clock, Times);
            if (step is LeadershipStep.Wait)
            {
                // What watches the record sees changes late as well.
                if (!manager.State.IsLeading && Record != manager.State.Seen && _chance.Next(slowest) == 0)
                    manager.State = LeadershipDecider.OnSeen(manager.State, Record, clock);
                return;
            }
            if (step is LeadershipStep.Renew)
                manager.State = LeadershipDecider.OnTrying(manager.State, clock);
            var effect = now + _chance.Next(slowest);
            manager.Call = new Call(step, clock, effect, effect + _chance.Next(slowest), false, null);
        }

        private Call Effect(Manager manager, Call call)
        {
            switch (call.Step)
            {
                case LeadershipStep.Look:
                    return call with { TookEffect = true, Result = Record };
                case LeadershipStep.Take take when Record == take.Seen:
                    Record = new LeaderRecord(Record.Epoch + 1, manager.Id, "", 0);
                    Assert.True(_holders.TryAdd(Record.Epoch, manager.Id), $"epoch {Record.Epoch} was taken twice");
                    return call with { TookEffect = true, Result = Record };
                case LeadershipStep.Renew renew when Record.Epoch == renew.Epoch:
                    Record = Record with { Renewals = Record.Renewals + 1 };
                    return call with { TookEffect = true, Result = Record };
                default:
                    return call with { TookEffect = true };
            }
        }

        private void Answer(Manager manager, Call call, int now)
        {
            manager.Call = null;
            // Now and then an answer is lost: nothing is known then.
            if (_chance.Next(10) == 0)
                return;
            manager.State = call switch
            {
                { Step: LeadershipStep.Look } => LeadershipDecider.OnSeen(manager.State, call.Result!, manager.Clock(now)),
                { Step: LeadershipStep.Take, Result: { } taken } => LeadershipDecider.OnTaken(manager.State, taken, call.BegunAt),
                { Step: LeadershipStep.Take } => LeadershipDecider.OnMissed(manager.State),
                { Result: not null } => LeadershipDecider.OnRenewed(manager.State, call.BegunAt),
                _ => LeadershipDecider.OnOver(manager.State),
            };
            manager.IsOver = call.Step is LeadershipStep.Renew && call.Result is null;
        }

        private sealed class Manager(NodeId id, double rate, double offset)
        {
            public NodeId Id => id;

            public int Index => (int)id.Value - 1;

            public LeadershipState State { get; set; } = LeadershipState.Start;

            public Call? Call { get; set; }

            public bool IsOver { get; set; }

            public TimeSpan Clock(int now) => TimeSpan.FromMilliseconds(offset + now * rate);
        }

        private sealed record Call(LeadershipStep Step, TimeSpan BegunAt, int TakesEffectAt, int AnsweredAt, bool TookEffect, LeaderRecord? Result);
    }
}
