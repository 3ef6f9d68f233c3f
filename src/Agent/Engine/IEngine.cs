using Berth.Model;

namespace Berth.Agent.Engine;

/// <summary>What an agent asks of a container engine: few verbs, so that engines other than Docker can be driven too.</summary>
/// <remarks>Every member throws <see cref="EngineException"/> and nothing else for what an engine can answer or fail to
/// answer; <see cref="OperationCanceledException"/> only for the caller's own token.</remarks>
public interface IEngine
{
    /// <summary>Asks the engine who it is and agrees on an API version; later calls speak that version.</summary>
    Task<EngineFacts> ConnectAsync(CancellationToken cancellation);

    /// <summary>Returns when the engine answers at all.</summary>
    Task PingAsync(CancellationToken cancellation);

    /// <summary>Pulls an image, also one that is present.</summary>
    Task PullAsync(string image, CancellationToken cancellation);

    /// <summary>Creates a container; a container of that name and task is taken as created.</summary>
    /// <returns>Its id.</returns>
    Task<string> CreateAsync(ContainerRequest request, CancellationToken cancellation);

    /// <summary>Starts a created container; does nothing when it runs already.</summary>
    Task StartAsync(string container, CancellationToken cancellation);

    /// <summary>Sends the container's stop signal, then SIGKILL after <paramref name="grace"/> (whole seconds, rounded up).
    /// Returns when it has ended; a container that is gone has ended.</summary>
    Task StopAsync(string container, TimeSpan grace, CancellationToken cancellation);

    /// <summary>Deletes a container and its anonymous volumes; one that is gone is deleted.</summary>
    Task RemoveAsync(string container, CancellationToken cancellation);

    /// <summary>What is true of a container now; null when there is none.</summary>
    Task<ContainerFacts?> InspectAsync(string container, CancellationToken cancellation);

    /// <summary>All containers, also ended ones, that carry <paramref name="label"/> (<c>key=value</c>).</summary>
    Task<IReadOnlyList<ListedContainer>> ListAsync(string label, CancellationToken cancellation);

    /// <summary>Subscribes to what happens to containers that carry <paramref name="label"/>. Nothing is missed after this
    /// returned; the stream ends with an <see cref="EngineException"/> when the engine goes away.</summary>
    Task<IEngineEvents> SubscribeAsync(string label, CancellationToken cancellation);

    /// <summary>A container's log, oldest line first.</summary>
    IAsyncEnumerable<LogEntry> LogsAsync(string container, LogRequest request, CancellationToken cancellation);

    /// <summary>Starts a command in a running container.</summary>
    Task<IExecution> ExecAsync(string container, ExecRequest request, CancellationToken cancellation);
}

/// <summary>An open subscription to an engine's events.</summary>
public interface IEngineEvents : IDisposable
{
    /// <summary>Events in the order in which they happened. They are hints: what is true, inspect or the list says.</summary>
    IAsyncEnumerable<EngineEvent> ReadAsync(CancellationToken cancellation);
}

/// <summary>A command that runs in a container.</summary>
public interface IExecution : IDisposable
{
    /// <summary>Reads output into <paramref name="buffer"/>; a count of 0 is the end.</summary>
    Task<(int Count, bool IsStderr)> ReadAsync(byte[] buffer, CancellationToken cancellation);

    /// <summary>Writes to its stdin.</summary>
    Task WriteAsync(byte[] input, CancellationToken cancellation);

    /// <summary>Ends its stdin; its output goes on.</summary>
    void CloseStdin();

    /// <summary>Tells its terminal a new size.</summary>
    Task ResizeAsync(int rows, int columns, CancellationToken cancellation);

    /// <summary>Its exit code, once its output has ended.</summary>
    Task<int> ExitCodeAsync(CancellationToken cancellation);
}
