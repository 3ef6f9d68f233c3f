using Berth.Manager.Dispatch;
using Berth.Manager.Store;
using Berth.Model;
using Grpc.Core;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Api;

/// <summary>The call that runs a command in a task's container.</summary>
internal sealed class ExecCalls(IClusterView view, IRelayHub relays, TimeProvider time)
{
    /// <summary>How long the first message may take.</summary>
    public static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(10);

    public async Task RunAsync(
        IAsyncStreamReader<V1.ExecInput> input, IServerStreamWriter<V1.ExecOutput> output, CancellationToken cancellation)
    {
        var start = await FirstAsync(input, cancellation);
        RequestLimits.Exec(start);
        var (task, node) = Runnable(view.Current, start.Task);

        var open = new V1.OpenRelay { Exec = new V1.RelayExec { TaskId = task.Id.ToString(), Start = start } };
        await using var relay = await relays.OpenAsync(node.Id, open, cancellation);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var sending = SendAsync(input, relay, stop.Token);
        var receiving = ReceiveAsync(relay, node.Description.Hostname, output, stop.Token);
        try
        {
            // Input ends long before output does; only input that makes no sense ends the call.
            if (await Task.WhenAny(sending, receiving) == sending && sending.Exception?.InnerException is RpcException)
                await sending;
            await receiving;
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(sending, receiving).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>The task, and its node when a command can run in it now; else a refusal that says why not.</summary>
    public static (ServiceTask Task, Node Node) Runnable(ClusterState state, string reference)
    {
        var task = References.Task(state, reference).OrThrow();
        var name = TaskNames.Of(state, task);
        if (task.State is not (TaskState.Running or TaskState.Starting) || task.NodeId is not { } id)
            throw ApiErrors.Precondition(
                $"{name} ({task.Id}) does not run: it is {LogSources.Ending(task)}; choose a running task from berth service ps");
        if (LogSources.Unreachable(state, task) is { } why)
            throw ApiErrors.Unavailable($"{name} ({task.Id}) cannot be reached: {why}");
        return (task, state.Nodes[id]);
    }

    private async Task<V1.ExecStart> FirstAsync(IAsyncStreamReader<V1.ExecInput> input, CancellationToken cancellation)
    {
        bool isThere;
        try
        {
            isThere = await input.MoveNext(cancellation).WaitAsync(StartLimit, time, cancellation);
        }
        catch (TimeoutException)
        {
            throw ApiErrors.Invalid($"the call said nothing for {StartLimit.TotalSeconds:0} s; its first message is start");
        }
        return isThere && input.Current.InputCase == V1.ExecInput.InputOneofCase.Start
            ? input.Current.Start
            : throw ApiErrors.Invalid("the first message of an exec is start: which task, which command");
    }

    // Ends when the caller has no more to say, or the command is over.
    private static async Task SendAsync(IAsyncStreamReader<V1.ExecInput> input, IRelay relay, CancellationToken stop)
    {
        var isOpen = true;
        while (await input.MoveNext(stop))
        {
            if (input.Current.InputCase is V1.ExecInput.InputOneofCase.Start or V1.ExecInput.InputOneofCase.None)
                throw ApiErrors.Invalid("an exec starts once: after start come stdin, stdin_closed and resize");
            isOpen &= !input.Current.StdinClosed;
            await relay.WriteAsync(new V1.RelayToAgent { Input = input.Current }, stop);
        }
        // A caller that hangs up its side without a word has closed stdin all the same: cat must end.
        if (isOpen)
            await relay.WriteAsync(new V1.RelayToAgent { Input = new V1.ExecInput { StdinClosed = true } }, stop);
    }

    private static async Task ReceiveAsync(
        IRelay relay, string hostname, IServerStreamWriter<V1.ExecOutput> output, CancellationToken cancellation)
    {
        await using var messages = relay.ReadAsync(cancellation).GetAsyncEnumerator(cancellation);
        while (await NextAsync(messages))
        {
            switch (messages.Current.MessageCase)
            {
                case V1.RelayFromAgent.MessageOneofCase.Output:
                    await output.WriteAsync(messages.Current.Output, cancellation);
                    if (messages.Current.Output.OutputCase == V1.ExecOutput.OutputOneofCase.ExitCode)
                        return;
                    break;
                case V1.RelayFromAgent.MessageOneofCase.Error:
                    throw ApiErrors.Precondition($"{hostname}: {messages.Current.Error}");
            }
        }
        throw ApiErrors.Unavailable($"the connection to {hostname} broke; the command may still run there");
    }

    private static async Task<bool> NextAsync(IAsyncEnumerator<V1.RelayFromAgent> messages)
    {
        try
        {
            return await messages.MoveNextAsync();
        }
        catch (Exception broken) when (broken is RelayUnavailableException or RpcException or IOException)
        {
            return false;
        }
    }
}
