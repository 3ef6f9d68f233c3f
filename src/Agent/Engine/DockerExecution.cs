using Docker.DotNet;
using Docker.DotNet.Models;

namespace Berth.Agent.Engine;

/// <summary>A command that runs in a Docker container, over one hijacked connection.</summary>
internal sealed class DockerExecution(DockerConnection connection, string id, MultiplexedStream stream, bool tty) : IExecution
{
    // The engine notes the exit code a moment after it closed the stream.
    private const int ExitCodeAttempts = 50;
    private static readonly TimeSpan ExitCodePause = TimeSpan.FromMilliseconds(20);

    public Task<(int Count, bool IsStderr)> ReadAsync(byte[] buffer, CancellationToken cancellation) =>
        DockerEngine.GuardAsync("read the command's output", async () =>
        {
            var read = await stream.ReadOutputAsync(buffer, 0, buffer.Length, cancellation).ConfigureAwait(false);
            return (read.EOF ? 0 : read.Count, read.Target == MultiplexedStream.TargetStream.StandardError);
        }, cancellation);

    public Task WriteAsync(byte[] input, CancellationToken cancellation) =>
        DockerEngine.GuardAsync("write to the command", async () =>
        {
            await stream.WriteAsync(input, 0, input.Length, cancellation).ConfigureAwait(false);
            return true;
        }, cancellation);

    public void CloseStdin() => stream.CloseWrite();

    public Task ResizeAsync(int rows, int columns, CancellationToken cancellation) =>
        DockerEngine.GuardAsync("resize the command's terminal", async () =>
        {
            if (tty)
                await connection.Calls.Exec.ResizeExecTtyAsync(id, new ContainerResizeParameters { Height = rows, Width = columns }, cancellation).ConfigureAwait(false);
            return true;
        }, cancellation);

    public async Task<int> ExitCodeAsync(CancellationToken cancellation)
    {
        for (var attempt = 0; attempt < ExitCodeAttempts; attempt++)
        {
            var inspected = await DockerEngine.GuardAsync(
                "ask for the command's exit code", () => connection.Calls.Exec.InspectContainerExecAsync(id, cancellation), cancellation).ConfigureAwait(false);
            if (!inspected.Running && inspected.ExitCode is { } code)
                return (int)code;
            await Task.Delay(ExitCodePause, TimeProvider.System, cancellation).ConfigureAwait(false);
        }
        throw new EngineException(EngineFault.Temporary, "the command's output ended, but the engine says that it still runs; its exit code is unknown");
    }

    public void Dispose() => stream.Dispose();
}
