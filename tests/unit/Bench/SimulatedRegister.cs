using Berth.Bench.Histories;

namespace Berth.Tests.Bench;

/// <summary>Clients of one register that is faithful, or not: histories whose faults are known.</summary>
public static class SimulatedRegister
{
    /// <summary>What the register does wrong in the middle of the history.</summary>
    public enum Fault
    {
        None,
        LostAcknowledgement,
        StaleConsistentRead,
        VersionBackwards,
        TwoLogs,
    }

    private const int Clients = 4;

    /// <summary>A history of <paramref name="calls"/> calls that overlap, the same for the same seed.</summary>
    public static IReadOnlyList<Operation> Run(int seed, int calls, Fault fault)
    {
        var random = new Random(seed);
        var log = new List<long> { 0 };
        var free = new double[Clients];
        var history = new List<Operation>();
        for (var (call, effect) = (0, 0.0); call < calls; call++)
        {
            // Each call takes effect in one instant between its begin and its end, one call after the other.
            var client = call % Clients;
            effect = Math.Max(effect, free[client]) + random.NextDouble();
            var called = Math.Max(free[client], effect - 2 * random.NextDouble());
            var returned = effect + 2 * random.NextDouble();
            free[client] = returned + 0.001;
            var isFaulty = fault != Fault.None && call >= calls / 2 && call < calls / 2 + 4 * Clients;
            history.Add(Answer(random, log, isFaulty ? fault : Fault.None, call, client) with
            {
                Called = TimeSpan.FromSeconds(called), Returned = TimeSpan.FromSeconds(returned),
            });
        }
        return history;
    }

    private static Operation Answer(Random random, List<long> log, Fault fault, int call, int client)
    {
        // Every other round of the clients, so that each is right before and after it is wrong.
        var isOdd = call / Clients % 2 == 1;
        var kind = fault switch
        {
            Fault.None => (OperationKind)random.Next(3),
            // Written, answered, forgotten; and read afterwards.
            Fault.LostAcknowledgement => isOdd ? OperationKind.ConsistentRead : OperationKind.Write,
            Fault.StaleConsistentRead => OperationKind.ConsistentRead,
            _ => OperationKind.Read,
        };
        var outcome = kind == OperationKind.Write && fault == Fault.None && random.Next(10) == 0 ? Outcome.Unknown : Outcome.Done;
        if (kind == OperationKind.Write && fault != Fault.LostAcknowledgement && (outcome == Outcome.Done || random.Next(2) == 0))
            log.Add(call + 1);
        var version = fault switch
        {
            Fault.StaleConsistentRead when isOdd => Math.Max(0, log.Count - 20),
            Fault.VersionBackwards when isOdd => Math.Max(0, log.Count - 6),
            _ => log.Count - 1,
        };
        var value = kind == OperationKind.Write ? call + 1 : fault == Fault.TwoLogs && client == 0 ? -1 : log[version];
        return new Operation(client, $"m{client % 3}", kind, "r", value, outcome == Outcome.Done ? version + 1 : 0, default, default, outcome);
    }
}
