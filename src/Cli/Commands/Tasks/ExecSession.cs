using System.Runtime.InteropServices;
using Berth.Cli.Client;
using Berth.Cli.Output;
using Berth.Protocol.V1;
using Google.Protobuf;
using Grpc.Core;
using Task = System.Threading.Tasks.Task;

namespace Berth.Cli.Commands.Tasks;

/// <summary>One command in a container: carries bytes both ways until it ends.</summary>
internal sealed class ExecSession(ManagerClient client) : IDisposable
{
    private const int ChunkBytes = 32 * 1024;

    // gRPC takes one message at a time, and keys and resizes come from different threads.
    private readonly SemaphoreSlim _writing = new(1, 1);

    /// <summary>Runs the command.</summary>
    /// <returns>Its exit code.</returns>
    /// <exception cref="UserError">It could not be run, or the way to it broke.</exception>
    public async Task<int> Run(ExecStart start, CancellationToken cancel)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using var call = (await client.Reachable(Doing(start), cancel)).Exec(new CallOptions(cancellationToken: ended.Token));
        try
        {
            await Write(call, new ExecInput { Start = start });
            using var raw = start is { Tty: true, Stdin: true } ? RawTerminal.Enter() : null;
            using var resizes = start.Tty ? PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => Forget(Resize(call))) : null;
            if (start.Stdin)
                Forget(PumpStdin(call, ended.Token));
            return await PumpOutput(call, start, ended.Token);
        }
        catch (RpcException fault) when (!cancel.IsCancellationRequested)
        {
            throw client.Explain(fault, Doing(start));
        }
        catch (RpcException fault)
        {
            throw new OperationCanceledException("ended by Ctrl-C", fault, cancel);
        }
        finally
        {
            await ended.CancelAsync();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _writing.Dispose();

    private static string Doing(ExecStart start) => $"run '{string.Join(' ', start.Command)}' in task '{start.Task}'";

    private static async Task<int> PumpOutput(AsyncDuplexStreamingCall<ExecInput, ExecOutput> call, ExecStart start, CancellationToken cancel)
    {
        await using var stdout = Console.OpenStandardOutput();
        await using var stderr = Console.OpenStandardError();
        while (await call.ResponseStream.MoveNext(cancel))
        {
            var output = call.ResponseStream.Current;
            switch (output.OutputCase)
            {
                case ExecOutput.OutputOneofCase.Stdout:
                    await stdout.WriteAsync(output.Stdout.Memory, cancel);
                    await stdout.FlushAsync(cancel);
                    break;
                case ExecOutput.OutputOneofCase.Stderr:
                    await stderr.WriteAsync(output.Stderr.Memory, cancel);
                    break;
                case ExecOutput.OutputOneofCase.ExitCode:
                    return output.ExitCode;
            }
        }
        throw new UserError($"the connection to task '{start.Task}' ended before the command did",
            $"berth service ps shows whether the task still runs: berth task inspect {start.Task}");
    }

    private async Task PumpStdin(AsyncDuplexStreamingCall<ExecInput, ExecOutput> call, CancellationToken cancel)
    {
        await using var stdin = Console.OpenStandardInput();
        var buffer = new byte[ChunkBytes];
        while (await stdin.ReadAsync(buffer, cancel) is var read and > 0)
            await Write(call, new ExecInput { Stdin = ByteString.CopyFrom(buffer, 0, read) });
        await Write(call, new ExecInput { StdinClosed = true });
    }

    private async Task Resize(AsyncDuplexStreamingCall<ExecInput, ExecOutput> call)
    {
        if (Window.Size(0) is { } size)
            await Write(call, new ExecInput { Resize = new TerminalSize { Rows = size.Rows, Columns = size.Columns } });
    }

    private async Task Write(AsyncDuplexStreamingCall<ExecInput, ExecOutput> call, ExecInput input)
    {
        await _writing.WaitAsync();
        try
        {
            await call.RequestStream.WriteAsync(input);
        }
        finally
        {
            _writing.Release();
        }
    }

    // What cannot be sent any more is reported by the reading side, which ends with the call's status.
    private static void Forget(Task sending) => sending.ContinueWith(
        failed => _ = failed.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
}
