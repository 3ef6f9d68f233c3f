using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Berth.Model;
using Docker.DotNet;
using Docker.DotNet.Models;
using Version = System.Version;

namespace Berth.Agent.Engine;

/// <summary>Docker's engine over its unix socket.</summary>
/// <param name="socketPath">Path of the socket, without <c>unix://</c>.</param>
public sealed class DockerEngine(string socketPath) : IEngine, IDisposable
{
    private static readonly Version OldestApi = new(1, 40);
    // What the agent was written and tested against; a newer engine speaks it too.
    private static readonly Version NewestApi = new(1, 51);

    // Asked without a version: an engine that was replaced by an older one would refuse the version agreed on before.
    private readonly DockerConnection _unpinned = new(socketPath, apiVersion: null);
    private DockerConnection _connection = new(socketPath, apiVersion: null);

    /// <inheritdoc/>
    public async Task<EngineFacts> ConnectAsync(CancellationToken cancellation)
    {
        var version = await GuardAsync("ask the engine for its version", () => _unpinned.Calls.System.GetVersionAsync(cancellation), cancellation).ConfigureAwait(false);
        var agreed = Agree(version.APIVersion, version.MinAPIVersion);
        if (_connection.ApiVersion != agreed)
            // The old connection is left to the collector: calls may still run on it.
            _connection = new DockerConnection(socketPath, agreed);
        var info = await GuardAsync("ask the engine about itself", () => _connection.Calls.System.GetSystemInfoAsync(cancellation), cancellation).ConfigureAwait(false);
        return new EngineFacts
        {
            Version = info.ServerVersion,
            ApiVersion = agreed.ToString(),
            Os = info.OSType,
            Architecture = info.Architecture,
            Capacity = new Berth.Model.Resources(info.NCPU * 1_000_000_000L, info.MemTotal),
            Labels = ValueMap.From((info.Labels ?? []).Select(SplitLabel)),
            LiveRestore = info.LiveRestoreEnabled,
            Runtimes = (info.Runtimes?.Keys ?? []).Order(StringComparer.Ordinal).ToValueList(),
            SwarmActive = info.Swarm?.LocalNodeState is { Length: > 0 } state && state != "inactive",
        };
    }

    /// <summary>The version both sides speak: the engine's newest, but none newer than the agent knows.</summary>
    public static Version Agree(string newest, string? oldest)
    {
        if (!Version.TryParse(newest, out var theirs) || theirs < OldestApi)
            throw new EngineException(EngineFault.Refused, $"the engine speaks API version '{newest}'; this agent needs {OldestApi} or newer: update Docker");
        if (Version.TryParse(oldest, out var least) && least > NewestApi)
            throw new EngineException(EngineFault.Refused, $"the engine speaks API versions from {oldest} on; this agent knows up to {NewestApi}: update Berth");
        return theirs < NewestApi ? theirs : NewestApi;
    }

    /// <inheritdoc/>
    public Task PingAsync(CancellationToken cancellation) =>
        GuardAsync("ping the engine", async () =>
        {
            using var answer = await _connection.OpenAsync("/_ping", cancellation).ConfigureAwait(false);
            return true;
        }, cancellation);

    /// <inheritdoc/>
    public async Task PullAsync(string image, CancellationToken cancellation)
    {
        var reference = ImageReference.Parse(image);
        var failure = new PullFailure();
        await GuardAsync($"pull image '{image}'", async () =>
        {
            await _connection.Calls.Images.CreateImageAsync(
                new ImagesCreateParameters { FromImage = reference.Repository, Tag = reference.Tag }, null, failure, cancellation).ConfigureAwait(false);
            return true;
        }, cancellation, (_, text) => EngineErrors.Pull(image, text)).ConfigureAwait(false);
        // Failures after the first layer come as messages of a call that succeeded.
        if (failure.Text is { } streamed)
            throw EngineErrors.Pull(image, streamed);
    }

    /// <inheritdoc/>
    public async Task<string> CreateAsync(ContainerRequest request, CancellationToken cancellation)
    {
        try
        {
            var created = await GuardAsync(
                "create container", () => _connection.Calls.Containers.CreateContainerAsync(ContainerParameters.From(request), cancellation), cancellation,
                (status, text) => status == HttpStatusCode.Conflict ? new NameTakenException(text) : EngineErrors.Create(request.Spec.Container.Image, status, text))
                .ConfigureAwait(false);
            return created.ID;
        }
        catch (NameTakenException taken)
        {
            // An answer that was lost on the way: the container is there already, and the label proves that it is this task's.
            var existing = await InspectAsync(request.Name, cancellation).ConfigureAwait(false);
            if (existing is not null && existing.Task == request.Labels[TaskLabels.Task])
                return existing.Id;
            throw new EngineException(EngineFault.Refused, $"create container: {EngineErrors.Readable(taken.Message)}");
        }
    }

    /// <inheritdoc/>
    public Task StartAsync(string container, CancellationToken cancellation) =>
        GuardAsync("start container", () => _connection.Calls.Containers.StartContainerAsync(container, null, cancellation), cancellation, EngineErrors.Start);

    /// <inheritdoc/>
    public Task StopAsync(string container, TimeSpan grace, CancellationToken cancellation)
    {
        var seconds = (uint)Math.Ceiling(Math.Max(0, grace.TotalSeconds));
        return IgnoreGoneAsync(() => GuardAsync(
            "stop container", () => _connection.Calls.Containers.StopContainerAsync(container, new ContainerStopParameters { WaitBeforeKillSeconds = seconds }, cancellation), cancellation));
    }

    /// <inheritdoc/>
    public Task RemoveAsync(string container, CancellationToken cancellation) =>
        IgnoreGoneAsync(() => GuardAsync("remove container", async () =>
        {
            await _connection.Calls.Containers.RemoveContainerAsync(
                container, new ContainerRemoveParameters { Force = true, RemoveVolumes = true }, cancellation).ConfigureAwait(false);
            return true;
        }, cancellation));

    /// <inheritdoc/>
    public async Task<ContainerFacts?> InspectAsync(string container, CancellationToken cancellation)
    {
        try
        {
            var json = await GuardAsync(
                "inspect container", () => _connection.GetAsync($"/containers/{container}/json", EngineJson.Default.InspectJson, cancellation), cancellation).ConfigureAwait(false);
            return EngineAnswers.Facts(json);
        }
        catch (EngineException gone) when (gone.Fault == EngineFault.NotFound)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<ListedContainer>> ListAsync(string label, CancellationToken cancellation)
    {
        var path = $"/containers/json?all=1&filters={Filters(new() { ["label"] = [label] })}";
        var listed = await GuardAsync("list containers", () => _connection.GetAsync(path, EngineJson.Default.ListListJson, cancellation), cancellation).ConfigureAwait(false);
        return [.. listed.Select(EngineAnswers.Listed)];
    }

    /// <inheritdoc/>
    public Task<IEngineEvents> SubscribeAsync(string label, CancellationToken cancellation)
    {
        var filters = Filters(new() { ["type"] = ["container"], ["event"] = ["die", "destroy", "health_status"], ["label"] = [label] });
        return GuardAsync<IEngineEvents>("subscribe to the engine's events", async () =>
        {
            var response = await _connection.OpenAsync($"/events?filters={filters}", cancellation).ConfigureAwait(false);
            return new DockerEvents(response, await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false));
        }, cancellation);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<LogEntry> LogsAsync(string container, LogRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var tail = request.Tail < 0 ? "all" : request.Tail.ToString(CultureInfo.InvariantCulture);
        var since = request.Since is { } from ? string.Create(CultureInfo.InvariantCulture, $"&since={from.ToUnixTimeMilliseconds() / 1000.0:F3}") : "";
        var path = $"/containers/{container}/logs?stdout=1&stderr=1&timestamps=1&tail={tail}{since}{(request.Follow ? "&follow=1" : "")}";
        using var response = await GuardAsync("read the container's log", () => _connection.OpenAsync(path, cancellation), cancellation).ConfigureAwait(false);
        var body = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        var lines = request.Tty ? LogFrames.PlainAsync(body, cancellation) : LogFrames.FramedAsync(body, cancellation);
        await using var each = lines.GetAsyncEnumerator(cancellation);
        while (await GuardAsync("read the container's log", () => each.MoveNextAsync().AsTask(), cancellation).ConfigureAwait(false))
            yield return each.Current;
    }

    /// <inheritdoc/>
    public Task<IExecution> ExecAsync(string container, ExecRequest request, CancellationToken cancellation)
    {
        var connection = _connection;
        return GuardAsync<IExecution>("run a command in the container", async () =>
        {
            var created = await connection.Calls.Exec.CreateContainerExecAsync(container, new ContainerExecCreateParameters
            {
                Cmd = [.. request.Command],
                Env = [.. request.Env],
                TTY = request.Tty,
                AttachStdin = request.Stdin,
                AttachStdout = true,
                AttachStderr = true,
                User = request.User,
                WorkingDir = request.Dir,
            }, cancellation).ConfigureAwait(false);
            var stream = await connection.Hijack.Exec.StartContainerExecAsync(
                created.ID, new ContainerExecStartParameters { TTY = request.Tty }, cancellation).ConfigureAwait(false);
            return new DockerExecution(connection, created.ID, stream, request.Tty);
        }, cancellation);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _connection.Dispose();
        _unpinned.Dispose();
    }

    /// <summary>Whether <paramref name="error"/> means that the engine is gone or broke off, not that it answered no.</summary>
    internal static bool IsBroken(Exception error, CancellationToken cancellation) =>
        error is HttpRequestException or IOException or SocketException or ObjectDisposedException or JsonException
        || (error is OperationCanceledException && !cancellation.IsCancellationRequested);

    internal static EngineException Unavailable(string what, Exception error) =>
        new(EngineFault.Unavailable, $"{what}: the engine does not answer: {(error.InnerException ?? error).Message}", error);

    /// <summary>Makes a call; whatever the library throws becomes an <see cref="EngineException"/>.</summary>
    internal static async Task<T> GuardAsync<T>(
        string what, Func<Task<T>> call, CancellationToken cancellation, Func<HttpStatusCode, string, Exception>? read = null)
    {
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (DockerApiException answer)
        {
            var text = answer.ResponseBody ?? "";
            throw read is null ? EngineErrors.Other(what, answer.StatusCode, text) : read(answer.StatusCode, text);
        }
        catch (Exception error) when (IsBroken(error, cancellation))
        {
            throw Unavailable(what, error);
        }
    }

    private static async Task IgnoreGoneAsync(Func<Task> call)
    {
        try
        {
            await call().ConfigureAwait(false);
        }
        catch (EngineException gone) when (gone.Fault == EngineFault.NotFound)
        {
            // What is gone needs no stopping and no removing.
        }
    }

    private static string Filters(Dictionary<string, string[]> filters) =>
        Uri.EscapeDataString(JsonSerializer.Serialize(filters, EngineJson.Default.DictionaryStringStringArray));

    private static KeyValuePair<string, string> SplitLabel(string label)
    {
        var equals = label.IndexOf('=', StringComparison.Ordinal);
        return equals < 0 ? KeyValuePair.Create(label, "") : KeyValuePair.Create(label[..equals], label[(equals + 1)..]);
    }

    private sealed class NameTakenException(string message) : Exception(message);

    /// <summary>Keeps the error among a pull's progress; called in order, unlike <see cref="Progress{T}"/>.</summary>
    private sealed class PullFailure : IProgress<JSONMessage>
    {
        public string? Text { get; private set; }

        public void Report(JSONMessage value) => Text ??= value.Error?.Message;
    }
}
