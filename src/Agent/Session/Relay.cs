using System.Threading.Channels;
using Berth.Agent.Engine;
using Berth.Agent.Tasks;
using Berth.Model;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using V1 = Berth.Protocol.V1;

namespace Berth.Agent.Session;

/// <summary>One log, exec or set of files, on a stream of its own that the agent opened because a manager asked for it.</summary>
public sealed class Relay(SessionParts parts, V1.Dispatcher.DispatcherClient client, V1.OpenRelay request)
{
    private static readonly TimeSpan GoodbyeWithin = TimeSpan.FromSeconds(5);
    private const int ExecBufferBytes = 32 << 10;
    private const int InputsWaiting = 64;

    private readonly Channel<V1.ExecInput> _input = Channel.CreateBounded<V1.ExecInput>(new BoundedChannelOptions(InputsWaiting) { SingleReader = true });

    /// <summary>Runs until it is done, the reader goes away, or the session ends.</summary>
    public async Task RunAsync(CancellationToken session)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(session);
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(ending.Token);
        try
        {
            using var call = client.Relay(cancellationToken: ending.Token);
            await call.RequestStream.WriteAsync(new V1.RelayFromAgent { RelayId = request.RelayId }, ending.Token).ConfigureAwait(false);
            var input = InputAsync(call.ResponseStream, reading, ending.Token);
            if (await ServeAsync(call.RequestStream, reading.Token).ConfigureAwait(false) is { } error)
                await call.RequestStream.WriteAsync(new V1.RelayFromAgent { Error = error }, ending.Token).ConfigureAwait(false);
            await call.RequestStream.CompleteAsync().ConfigureAwait(false);
            // Leaving at once would reset the stream and with it what the manager has not read yet.
            _input.Writer.TryComplete();
            ending.CancelAfter(GoodbyeWithin);
            await input.ConfigureAwait(false);
        }
        catch (Exception gone) when (gone is RpcException or OperationCanceledException or IOException)
        {
            parts.Log.LogDebug("relay {Relay} ended: {Reason}", request.RelayId, gone.Message);
            await ending.CancelAsync().ConfigureAwait(false);
        }
        catch (Exception bug)
        {
            // Nobody awaits a relay; one reader's bad luck must not end the agent, nor stay unsaid.
            parts.Log.LogError(bug, "relay {Relay} broke", request.RelayId);
            await ending.CancelAsync().ConfigureAwait(false);
        }
    }

    // The only reader of the stream. Its end, or a cancel, means that nobody reads any more.
    private async Task InputAsync(IAsyncStreamReader<V1.RelayToAgent> stream, CancellationTokenSource reading, CancellationToken ending)
    {
        try
        {
            while (await stream.MoveNext(ending).ConfigureAwait(false) && !stream.Current.Cancel)
            {
                if (stream.Current.Input is { } input && await _input.Writer.WaitToWriteAsync(ending).ConfigureAwait(false))
                    _input.Writer.TryWrite(input);
            }
        }
        catch (Exception over) when (over is RpcException or OperationCanceledException or IOException)
        {
            parts.Log.LogDebug("the reader of relay {Relay} is gone: {Reason}", request.RelayId, over.Message);
        }
        await reading.CancelAsync().ConfigureAwait(false);
    }

    /// <summary>Serves the purpose; returns an error for people, or null.</summary>
    private async Task<string?> ServeAsync(IClientStreamWriter<V1.RelayFromAgent> output, CancellationToken reading)
    {
        try
        {
            switch (request.PurposeCase)
            {
                case V1.OpenRelay.PurposeOneofCase.Logs:
                    return await LogsAsync(output, request.Logs, reading).ConfigureAwait(false);
                case V1.OpenRelay.PurposeOneofCase.Exec:
                    return await ExecAsync(output, request.Exec, reading).ConfigureAwait(false);
                case V1.OpenRelay.PurposeOneofCase.Debug:
                    foreach (var part in DebugRelay.Parts(parts, request.Debug.OnlyMetrics))
                        await output.WriteAsync(new V1.RelayFromAgent { Part = part }, reading).ConfigureAwait(false);
                    return null;
                default:
                    return "this agent is too old for what was asked";
            }
        }
        catch (EngineException failed)
        {
            return failed.Message;
        }
    }

    private async Task<string?> LogsAsync(IClientStreamWriter<V1.RelayFromAgent> output, V1.RelayLogs logs, CancellationToken reading)
    {
        var task = await WithContainerAsync(logs.TaskId, logs.Follow, reading).ConfigureAwait(false);
        if (task is null)
            return $"task {logs.TaskId} is not on node {parts.Facts.Hostname}";
        if (task.ContainerId.Length == 0)
            return task.State.IsTerminal() ? null : $"task {logs.TaskId} has no container yet: {task.Status.Message}";
        var since = logs.SinceUnixNs == 0 ? (DateTimeOffset?)null : DateTimeOffset.UnixEpoch.AddTicks(logs.SinceUnixNs / 100);
        var asked = new LogRequest(task.Assignment.Template.Spec.Container.Tty, logs.Tail, since, logs.Follow);
        var name = $"{task.Assignment.Template.ServiceName}.{(task.Assignment.Slot == 0 ? parts.State.Node.ToString() : task.Assignment.Slot)}";
        await foreach (var line in parts.Engine.LogsAsync(task.ContainerId, asked, reading).ConfigureAwait(false))
        {
            var wire = new V1.LogLine
            {
                TaskId = logs.TaskId,
                TaskName = name,
                NodeHostname = parts.Facts.Hostname,
                Time = line.Time.ToTimestamp(),
                Stderr = line.IsStderr,
                Text = UnsafeByteOperations.UnsafeWrap(line.Text),
            };
            await output.WriteAsync(new V1.RelayFromAgent { Line = wire }, reading).ConfigureAwait(false);
        }
        return null;
    }

    // A follower that came early waits for the container instead of failing.
    private async Task<HeldTask?> WithContainerAsync(string id, bool wait, CancellationToken cancellation)
    {
        if (!TaskId.TryParse(id, out var taskId))
            return null;
        while (true)
        {
            var task = parts.Board.Tasks.GetValueOrDefault(taskId);
            if (task is null || !wait || task.State.IsTerminal() || task.ContainerId.Length > 0)
                return task;
            await Task.Delay(TimeSpan.FromMilliseconds(100), parts.Time, cancellation).ConfigureAwait(false);
        }
    }

    private async Task<string?> ExecAsync(IClientStreamWriter<V1.RelayFromAgent> output, V1.RelayExec exec, CancellationToken reading)
    {
        var task = await WithContainerAsync(exec.TaskId, wait: false, reading).ConfigureAwait(false);
        if (task is null)
            return $"task {exec.TaskId} is not on node {parts.Facts.Hostname}";
        if (task.Phase != ContainerPhase.Running)
            return $"task {exec.TaskId} does not run: {task.State.Word()}: {(task.Status.Err.Length > 0 ? task.Status.Err : task.Status.Message)}";
        var start = exec.Start;
        using var execution = await parts.Engine.ExecAsync(task.ContainerId, new ExecRequest
        {
            Command = [.. start.Command],
            Env = [.. start.Env],
            Tty = start.Tty,
            Stdin = start.Stdin,
            User = start.User,
            Dir = start.Dir,
        }, reading).ConfigureAwait(false);
        if (start.Size is { } size)
            await ResizeAsync(execution, size, reading).ConfigureAwait(false);

        using var feeding = CancellationTokenSource.CreateLinkedTokenSource(reading);
        var fed = FeedAsync(execution, feeding.Token);
        var buffer = new byte[ExecBufferBytes];
        while (await execution.ReadAsync(buffer, reading).ConfigureAwait(false) is { Count: > 0 } read)
        {
            var bytes = ByteString.CopyFrom(buffer, 0, read.Count);
            var written = read.IsStderr ? new V1.ExecOutput { Stderr = bytes } : new V1.ExecOutput { Stdout = bytes };
            await output.WriteAsync(new V1.RelayFromAgent { Output = written }, reading).ConfigureAwait(false);
        }
        var code = await execution.ExitCodeAsync(reading).ConfigureAwait(false);
        await feeding.CancelAsync().ConfigureAwait(false);
        await fed.ConfigureAwait(false);
        await output.WriteAsync(new V1.RelayFromAgent { Output = new V1.ExecOutput { ExitCode = code } }, reading).ConfigureAwait(false);
        return null;
    }

    private async Task FeedAsync(IExecution execution, CancellationToken cancellation)
    {
        try
        {
            await foreach (var input in _input.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
                await FeedAsync(execution, input, cancellation).ConfigureAwait(false);
        }
        catch (Exception over) when (over is OperationCanceledException or IOException or EngineException)
        {
            parts.Log.LogDebug("the command of relay {Relay} takes no more input: {Reason}", request.RelayId, over.Message);
        }
    }

    private async Task FeedAsync(IExecution execution, V1.ExecInput input, CancellationToken cancellation)
    {
        switch (input.InputCase)
        {
            case V1.ExecInput.InputOneofCase.Stdin:
                await execution.WriteAsync(input.Stdin.ToByteArray(), cancellation).ConfigureAwait(false);
                break;
            case V1.ExecInput.InputOneofCase.StdinClosed:
                execution.CloseStdin();
                break;
            case V1.ExecInput.InputOneofCase.Resize:
                await ResizeAsync(execution, input.Resize, cancellation).ConfigureAwait(false);
                break;
        }
    }

    // A command may be over before its terminal has a size, and one in the wrong size is still of use.
    private async Task ResizeAsync(IExecution execution, V1.TerminalSize size, CancellationToken cancellation)
    {
        try
        {
            await execution.ResizeAsync(size.Rows, size.Columns, cancellation).ConfigureAwait(false);
        }
        catch (EngineException refused)
        {
            parts.Log.LogDebug("the terminal of relay {Relay} keeps its size: {Reason}", request.RelayId, refused.Message);
        }
    }
}
