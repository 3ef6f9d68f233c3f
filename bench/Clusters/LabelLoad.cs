using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Berth.Protocol.V1;
using Grpc.Core;
using Task = System.Threading.Tasks.Task;

namespace Berth.Bench.Clusters;

/// <summary>Twenty writes and twenty reads a second through all managers in turn, however long each takes. Every write is a label
/// of its own on one node, so that each that was acknowledged can be looked for afterwards.</summary>
public sealed class LabelLoad
{
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(50);
    // As long as a manager without a leader holds a call.
    private static readonly TimeSpan WriteLimit = TimeSpan.FromSeconds(6);
    // As the command line: after this the next manager is asked.
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(150);
    private static readonly TimeSpan ReadLimit = TimeSpan.FromSeconds(10);

    private readonly ClusterClients _clients;
    private readonly string _node;
    private readonly long _origin;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<Call> _writes = [];
    private readonly ConcurrentBag<Call> _reads = [];
    private readonly ConcurrentBag<string> _asked = [];
    private readonly Process? _apart;
    private readonly Task _loop;

    private LabelLoad(ClusterClients clients, string node, long origin, Process? apart = null)
    {
        _clients = clients;
        _node = node;
        _origin = origin;
        _apart = apart;
        _loop = apart is null ? RunAsync() : TakeOverAsync(apart);
    }

    /// <summary>The program's argument that makes it the process of <see cref="StartApart"/>.</summary>
    public const string ApartArgument = "label-load";

    private sealed record Call(string Label, TimeSpan Called, TimeSpan Answered);

    /// <summary>Time since it began.</summary>
    public TimeSpan Now => Stopwatch.GetElapsedTime(_origin);

    /// <summary>Begins.</summary>
    public static LabelLoad Start(ClusterClients clients, string node) => new(clients, node, Stopwatch.GetTimestamp());

    /// <summary>Begins in a process of its own, where nothing but the managers makes it wait; there is nothing to be read before its end.</summary>
    /// <param name="managers">Their names and unix sockets.</param>
    /// <param name="node">Whose labels.</param>
    public static LabelLoad StartApart(IReadOnlyList<(string Name, string Socket)> managers, string node)
    {
        var origin = Stopwatch.GetTimestamp();
        var start = new ProcessStartInfo(Environment.ProcessPath!,
            [ApartArgument, node, origin.ToString(CultureInfo.InvariantCulture), .. managers.SelectMany(manager => new[] { manager.Name, manager.Socket })])
        { RedirectStandardInput = true, RedirectStandardOutput = true };
        return new LabelLoad(ClusterClients.OfSockets(managers), node, origin, Process.Start(start));
    }

    /// <summary>What that process does: until its input ends; then it says what was asked for and acknowledged.</summary>
    public static async Task RunApartAsync(IReadOnlyList<string> arguments)
    {
        using var clients = ClusterClients.OfSockets(arguments.Skip(2).Chunk(2).Select(pair => (pair[0], pair[1])));
        var load = new LabelLoad(clients, arguments[0], long.Parse(arguments[1], CultureInfo.InvariantCulture));
        await Console.In.ReadToEndAsync();
        await load.StopAsync();
        foreach (var label in load._asked)
            Console.WriteLine(label);
        foreach (var write in load._writes)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{write.Label} {write.Called.Ticks} {write.Answered.Ticks}"));
    }

    /// <summary>How many writes that were asked for after <paramref name="since"/> are acknowledged.</summary>
    public int AcknowledgedSince(TimeSpan since) => _writes.Count(write => write.Called >= since);

    /// <summary>The longest time without an acknowledgement, from shortly before <paramref name="cut"/> on.</summary>
    /// <param name="cut">From here.</param>
    /// <param name="until">To here; to the end when it is not given.</param>
    public TimeSpan LongestSilence(TimeSpan cut, TimeSpan? until = null)
    {
        var answers = _writes.Select(write => write.Answered).Where(at => at >= cut - TimeSpan.FromSeconds(1) && (until is null || at < until)).Order().ToList();
        return answers.Count < 2 ? TimeSpan.MaxValue : answers.Zip(answers.Skip(1), (one, next) => next - one).Max();
    }

    /// <summary>The longest that an acknowledged write took, of those asked for after <paramref name="since"/>.</summary>
    public TimeSpan LongestWrite(TimeSpan since) => _writes.Where(write => write.Called >= since).Select(write => write.Answered - write.Called).DefaultIfEmpty().Max();

    /// <summary>The longest that anybody waited for a read, asking the next manager included.</summary>
    public TimeSpan LongestRead(TimeSpan cut) => _reads.Where(read => read.Answered >= cut).Select(read => read.Answered - read.Called).DefaultIfEmpty().Max();

    /// <summary>How many writes are acknowledged.</summary>
    public int Acknowledged => _writes.Count;

    /// <summary>Ends, and waits for what is still being asked.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        _apart?.StandardInput.Close();
        await _loop;
        _apart?.Dispose();
        _stop.Dispose();
    }

    /// <summary>Acknowledged writes that are not there, by the leader's word. Takes all of them away again.</summary>
    /// <param name="managers">Who may be asked; everybody by default.</param>
    public async Task<IReadOnlyList<string>> MissingAsync(IEnumerable<string>? managers = null)
    {
        var end = managers is null ? _clients.All[0] : _clients.All.First(one => managers.Contains(one.Host));
        var node = (await end.Control.GetNodeAsync(new GetNodeRequest { Node = _node }, ManagerEnd.Within(ReadLimit, consistent: true))).Node;
        var missing = _writes.Select(write => write.Label).Where(label => !node.Spec.Labels.ContainsKey(label)).Order(StringComparer.Ordinal).ToList();
        await end.Control.UpdateNodeAsync(new UpdateNodeRequest { Node = _node, LabelsRemove = { _asked.Where(node.Spec.Labels.ContainsKey) } }, ManagerEnd.Within(ReadLimit));
        return missing;
    }

    private async Task TakeOverAsync(Process apart)
    {
        while (await apart.StandardOutput.ReadLineAsync() is { } line)
        {
            var parts = line.Split(' ');
            if (parts.Length == 1)
                _asked.Add(line);
            else
                _writes.Add(new Call(parts[0], new TimeSpan(long.Parse(parts[1], CultureInfo.InvariantCulture)), new TimeSpan(long.Parse(parts[2], CultureInfo.InvariantCulture))));
        }
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(Every);
        var calls = new List<Task>();
        for (var number = 0; !_stop.IsCancellationRequested; number++)
        {
            calls.Add(WriteAsync(number));
            calls.Add(ReadAsync(number));
            await timer.WaitForNextTickAsync(CancellationToken.None);
        }
        await Task.WhenAll(calls);
    }

    private async Task WriteAsync(int number)
    {
        var label = string.Create(CultureInfo.InvariantCulture, $"w{number}");
        _asked.Add(label);
        var called = Now;
        try
        {
            await _clients.All[number % _clients.All.Count].Control.UpdateNodeAsync(new UpdateNodeRequest { Node = _node, LabelsAdd = { [label] = "" } }, ManagerEnd.Within(WriteLimit));
            _writes.Add(new Call(label, called, Now));
        }
        catch (RpcException)
        {
            // Not acknowledged: nothing is promised about it, and the next one is asked for in any case.
        }
    }

    private async Task ReadAsync(int number)
    {
        var called = Now;
        for (var attempt = 0; Now - called < ReadLimit; attempt++)
        {
            var began = Now;
            try
            {
                await _clients.All[(number + attempt) % _clients.All.Count].Control.GetInfoAsync(new GetInfoRequest(), ManagerEnd.Within(Patience));
                break;
            }
            catch (RpcException)
            {
                // The next manager is asked; whoever refuses at once is not asked again at once for ever.
                if (attempt >= _clients.All.Count && Now - began < Every)
                    await Task.Delay(Every);
            }
        }
        _reads.Add(new Call("", called, Now));
    }
}
