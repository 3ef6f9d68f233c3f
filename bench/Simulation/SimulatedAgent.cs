using System.Threading.Channels;
using Berth.Model;
using Berth.Protocol;
using Berth.Protocol.V1;
using Grpc.Core;
using Grpc.Net.Client;
using Task = System.Threading.Tasks.Task;

namespace Berth.Bench.Simulation;

/// <summary>An agent without an engine: the real protocol on a connection of its own; tasks 'run' as soon as they are assigned.</summary>
public sealed class SimulatedAgent : IAsyncDisposable
{
    private readonly GrpcChannel _channel;
    private readonly AsyncDuplexStreamingCall<AgentMessage, ManagerMessage> _session;
    private readonly Channel<AgentMessage> _outbox = Channel.CreateUnbounded<AgentMessage>(new UnboundedChannelOptions { SingleReader = true });
    private readonly SimulatedTasks _tasks = new();
    private readonly SimulatedFleet _fleet;
    private readonly Task _writer;
    private readonly Task _reader;

    /// <summary>Dials and registers.</summary>
    public SimulatedAgent(string socket, int number, SimulatedFleet fleet)
    {
        _fleet = fleet;
        _channel = UnixChannel.Open(socket);
        _session = new Dispatcher.DispatcherClient(_channel).Session();
        _outbox.Writer.TryWrite(new AgentMessage { Register = Registration(number) });
        _writer = WriteAsync();
        _reader = ReadAsync();
    }

    /// <summary>Queues a heartbeat.</summary>
    public void Beat() => _outbox.Writer.TryWrite(new AgentMessage { Heartbeat = new Heartbeat() });

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _outbox.Writer.TryComplete();
        _session.Dispose();
        try
        {
            await Task.WhenAll(_writer, _reader);
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // The session was cut on purpose.
        }
        _channel.Dispose();
    }

    /// <summary>The node's facts; all simulated hosts are alike.</summary>
    public static Protocol.V1.NodeDescription Description(int number) => new()
    {
        Hostname = $"sim-{number:0000}",
        Address = $"10.{number >> 16}.{(number >> 8) & 255}.{number & 255}",
        Os = "linux",
        Architecture = "x86_64",
        Capacity = new Protocol.V1.Resources { NanoCpus = 64_000_000_000, MemoryBytes = 256L << 30 },
        EngineVersion = "20.10.24",
        EngineApiVersion = "1.41",
        AgentVersion = "0.1.0",
    };

    private static Register Registration(int number) => new()
    {
        NodeId = new NodeId((UInt128)(number + 1)).ToString(),
        Description = Description(number),
        Level = ReleaseLevel.Own,
    };

    private async Task WriteAsync()
    {
        await foreach (var message in _outbox.Reader.ReadAllAsync())
            await _session.RequestStream.WriteAsync(message);
    }

    private async Task ReadAsync()
    {
        await foreach (var message in _session.ResponseStream.ReadAllAsync())
        {
            if (message.Registered is not null)
                _fleet.Registered();
            if (message.Refused is { } refused)
                throw new InvalidOperationException("the manager refused a simulated agent: " + refused.Reason);
            if (message.Assignments is { } set)
                Obey(set);
        }
    }

    private void Obey(AssignmentSet set)
    {
        var (report, added) = _tasks.Obey(set);
        _fleet.Assigned(added);
        if (report.Tasks.Count > 0)
            _outbox.Writer.TryWrite(new AgentMessage { Status = report });
    }
}
