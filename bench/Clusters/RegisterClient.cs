using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Berth.Bench.Histories;
using Berth.Protocol.V1;
using Grpc.Core;
using Task = System.Threading.Tasks.Task;

namespace Berth.Bench.Clusters;

/// <summary>A client that writes and reads registers, one call at a time, and writes down what it saw. A register is a label of a node.</summary>
/// <param name="number">Its number; also which manager it asks first.</param>
/// <param name="clients">The managers.</param>
/// <param name="node">The node whose labels are the registers.</param>
/// <param name="clock">The one clock of all clients.</param>
/// <param name="history">Where calls are written down.</param>
public sealed class RegisterClient(int number, ClusterClients clients, string node, Stopwatch clock, ConcurrentQueue<Operation> history)
{
    // So that a value says who wrote it, and nobody else ever writes it.
    private const long ValuesPerClient = 1_000_000_000;

    private static readonly string[] Registers = ["r0", "r1", "r2"];
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(120);

    private int _failures;
    private long _written;

    /// <summary>Goes on until told to end: two writes in five, the rest reads, half of them consistent.</summary>
    public async Task RunAsync(Random random, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var isAnswered = await (random.Next(5) switch
            {
                0 or 1 => WriteAsync(Registers[random.Next(Registers.Length)]),
                2 => ReadAsync(OperationKind.Read),
                3 => ReadAsync(OperationKind.ConsistentRead),
                _ => ReadAsync(random.Next(2) == 0 ? OperationKind.Read : OperationKind.ConsistentRead),
            });
            if (!isAnswered)
                _failures++;
            await Task.Delay(Pause, CancellationToken.None);
        }
    }

    /// <summary>Reads all registers once. False when there was no answer.</summary>
    public async Task<bool> ReadAsync(OperationKind kind)
    {
        var end = clients.All[(number + _failures) % clients.All.Count];
        var called = clock.Elapsed;
        try
        {
            var answer = (await end.Control.GetNodeAsync(new GetNodeRequest { Node = node }, ManagerEnd.Within(Limit, kind == OperationKind.ConsistentRead))).Node;
            var returned = clock.Elapsed;
            foreach (var register in Registers)
                history.Enqueue(new Operation(number, end.Host, kind, register, ValueOf(answer, register), answer.Version, called, returned, Outcome.Done));
            return true;
        }
        catch (RpcException)
        {
            // A read without an answer says nothing of the state.
            return false;
        }
    }

    private async Task<bool> WriteAsync(string register)
    {
        var end = clients.All[(number + _failures) % clients.All.Count];
        var value = number * ValuesPerClient + ++_written;
        var request = new UpdateNodeRequest { Node = node, LabelsAdd = { [register] = value.ToString(CultureInfo.InvariantCulture) } };
        var called = clock.Elapsed;
        try
        {
            var answer = (await end.Control.UpdateNodeAsync(request, ManagerEnd.Within(Limit))).Node;
            // Only a version that shows this very value is this write's.
            history.Enqueue(new Operation(
                number, end.Host, OperationKind.Write, register, value, ValueOf(answer, register) == value ? answer.Version : 0, called, clock.Elapsed, Outcome.Done));
            return true;
        }
        catch (RpcException)
        {
            // Whatever the status says, a write is believed to be possible until the history shows otherwise.
            history.Enqueue(new Operation(number, end.Host, OperationKind.Write, register, value, 0, called, clock.Elapsed, Outcome.Unknown));
            return false;
        }
    }

    private static long ValueOf(Node answer, string register) =>
        answer.Spec.Labels.TryGetValue(register, out var text) ? long.Parse(text, CultureInfo.InvariantCulture) : 0;
}
