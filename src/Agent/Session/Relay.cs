using Berth.Agent.Engine;
using Berth.Agent.Tasks;
using Berth.Model;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using V1 = Berth.Protocol.V1;

namespace Berth.Agent.Session;

/// <summary>One log or exec, on a stream of its own that the agent opened because a manager asked for it.</summary>
public sealed class Relay(SessionParts parts, V1.Dispatcher.DispatcherClient client, V1.OpenRelay request)
{
    private static readonly TimeSpan GoodbyeWithin = TimeSpan.FromSeconds(5);
    private const int ExecBufferBytes = 32 << 10;

    /// <summary>Runs until it is done, the reader goes away, or the session ends.</summary>
    public async Task RunAsync(CancellationToken session)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(session);
        try
        {
            using var call = client.Relay(cancellationToken: ending.Token);
            await call.RequestStream.WriteAsync(new V1.RelayFromAgent { RelayId = request.RelayId }, ending.Token).ConfigureAwait(false);
            if (await ServeAsync(call, ending).ConfigureAwait(false) is { } error)
                await call.RequestStream.WriteAsync(new V1.RelayFromAgent { Error = error }, ending.Token).ConfigureAwait(false);
            await call.RequestStream.CompleteAsync().ConfigureAwait(false);
            // Leaving at once would reset the stream and with it what the manager has not read yet.
            ending.CancelAfter(GoodbyeWithin);
            while (await call.ResponseStream.MoveNext(ending.Token).ConfigureAwait(false))
            {
                // Input that comes after the end has nobody to go to.
            }
        }
        catch (Exception gone) when (gone is RpcException or OperationCanceledException or IOException or InvalidOperationException)
        {
            parts.Log.LogDebug("relay {Relay} ended: {Reason}", request.RelayId, gone.Message);
        }
    }

    /// <summary>Serves the purpose; returns an error for people, or null.</summary>
    private async Task<string?> ServeAsync(AsyncDuplexStreamingCall<V1.RelayFromAgent, V1.RelayToAgent> call, CancellationTokenSource ending)
    {
        try
        {
            switch (request.PurposeCase)
            {
                case V1.OpenRelay.PurposeOneofCase.Logs:
                    return await LogsAsync(call, request.Logs, ending).ConfigureAwait(false);
                case V1.OpenRelay.PurposeOneofCase.Exec:
                    return await ExecAsync(call, request.Exec, ending).ConfigureAwait(false);
                default:
                    return "this agent is too old for what was asked";
            }
        }
        catch (EngineException failed)
        {
            return failed.Message;
        }
    }

    private async Task<string?> LogsAsync(
        AsyncDuplexStreamingCall<V1.RelayFromAgent, V1.RelayToAgent> call, V1.RelayLogs logs, CancellationTokenSource ending)
    {
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(ending.Token);
        var watching = CancelWhenReaderLeavesAsync(call.ResponseStream, reading);
        var task = await WithContainerAsync(logs.TaskId, logs.Follow, reading.Token).ConfigureAwait(false);
        if (task is null)
            return $"task {logs.TaskId} is not on node {parts.Facts.Hostname}";
        if (task.ContainerId.Length == 0)
            return task.State.IsTerminal() ? null : $"task {logs.TaskId} has no container yet: {task.Status.Message}";
        var since = logs.SinceUnixNs == 0 ? (DateTimeOffset?)null : DateTimeOffset.UnixEpoch.AddTicks(logs.SinceUnixNs / 100);
        var asked = new LogRequest(task.Assignment.Template.Spec.Container.Tty, logs.Tail, since, logs.Follow);
        var name = $"{task.Assignment.Template.ServiceName}.{(task.Assignment.Slot == 0 ? parts.State.Node.ToString() : task.Assignment.Slot)}";
        await foreach (var line in parts.Engine.LogsAsync(task.ContainerId, asked, reading.Token).ConfigureAwait(false))
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
            await call.RequestStream.WriteAsync(new V1.RelayFromAgent { Line = wire }, ending.Token).ConfigureAwait(false);
        }
        _ = watching;
        return null;
    }

    private static async Task CancelWhenReaderLeavesAsync(IAsyncStreamReader<V1.RelayToAgent> input, CancellationTokenSource reading)
    {
        try
        {
            while (await input.MoveNext(reading.Token).ConfigureAwait(false) && !input.Current.Cancel)
            {
                // A log takes no other input.
            }
            await reading.CancelAsync().ConfigureAwait(false);
        }
        catch (Exception over) when (over is RpcException or OperationCanceledException or InvalidOperationException or ObjectDisposedException)
        {
            // The log ended first.
        }
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

    private async Task<string?> ExecAsync(
        AsyncDuplexStreamingCall<V1.RelayFromAgent, V1.RelayToAgent> call, V1.RelayExec exec, CancellationTokenSource ending)
    {
        var task = await WithContainerAsync(exec.TaskId, wait: false, ending.Token).ConfigureAwait(false);
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
        }, ending.Token).ConfigureAwait(false);
        if (start.Size is { } size)
            await execution.ResizeAsync(size.Rows, size.Columns, ending.Token).ConfigureAwait(false);

        using var reading = CancellationTokenSource.CreateLinkedTokenSource(ending.Token);
        var input = InputAsync(call.ResponseStream, execution, reading);
        var buffer = new byte[ExecBufferBytes];
        while (await execution.ReadAsync(buffer, reading.Token).ConfigureAwait(false) is { Count: > 0 } read)
        {
            var bytes = ByteString.CopyFrom(buffer, 0, read.Count);
            var output = read.IsStderr ? new V1.ExecOutput { Stderr = bytes } : new V1.ExecOutput { Stdout = bytes };
            await call.RequestStream.WriteAsync(new V1.RelayFromAgent { Output = output }, ending.Token).ConfigureAwait(false);
        }
        _ = input;
        var code = await execution.ExitCodeAsync(ending.Token).ConfigureAwait(false);
        await call.RequestStream.WriteAsync(new V1.RelayFromAgent { Output = new V1.ExecOutput { ExitCode = code } }, ending.Token).ConfigureAwait(false);
        return null;
    }

    private static async Task InputAsync(IAsyncStreamReader<V1.RelayToAgent> input, IExecution execution, CancellationTokenSource reading)
    {
        try
        {
            while (await input.MoveNext(reading.Token).ConfigureAwait(false) && !input.Current.Cancel)
                await FeedAsync(execution, input.Current.Input, reading.Token).ConfigureAwait(false);
            await reading.CancelAsync().ConfigureAwait(false);
        }
        catch (Exception over) when (over is RpcException or OperationCanceledException or IOException or InvalidOperationException or ObjectDisposedException)
        {
            // The command ended first, or took no more input.
        }
    }

    private static async Task FeedAsync(IExecution execution, V1.ExecInput? input, CancellationToken cancellation)
    {
        switch (input?.InputCase)
        {
            case V1.ExecInput.InputOneofCase.Stdin:
                await execution.WriteAsync(input.Stdin.ToByteArray(), cancellation).ConfigureAwait(false);
                break;
            case V1.ExecInput.InputOneofCase.StdinClosed:
                execution.CloseStdin();
                break;
            case V1.ExecInput.InputOneofCase.Resize:
                await execution.ResizeAsync(input.Resize.Rows, input.Resize.Columns, cancellation).ConfigureAwait(false);
                break;
        }
    }
}
