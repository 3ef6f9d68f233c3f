using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Berth.Bench.Subjects;

/// <summary>One host's Docker Engine, spoken to directly: the bare API is the floor that every orchestrator is held against.</summary>
public sealed class Engine : IDisposable
{
    private readonly HttpClient _http;

    /// <summary>An engine behind a unix socket.</summary>
    public Engine(string socket)
    {
        Socket = socket;
        _http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellation);
                return new NetworkStream(connection, ownsSocket: true);
            },
        })
        { BaseAddress = new Uri("http://engine/v1.41/"), Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>Path of its socket.</summary>
    public string Socket { get; }

    /// <summary>Sends a request and reads the answer's JSON, null when it has none.</summary>
    public async Task<JsonDocument?> CallAsync(HttpMethod method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await _http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        if (!response.IsSuccessStatusCode)
            throw new InvalidOperationException($"{method} {path} on {Socket}: {(int)response.StatusCode} {text}");
        return text.Length == 0 ? null : JsonDocument.Parse(text);
    }

    /// <summary>Creates and starts one container on the host's network, as cheaply as the API allows.</summary>
    public async Task StartAsync(string name, string image, string command)
    {
        var body = $$"""{"HostConfig":{"NetworkMode":"host"},"Image":"{{image}}","Cmd":{{command}},"StopSignal":"SIGKILL","Labels":{"bench":"engine"} }""";
        using var created = await CallAsync(HttpMethod.Post, $"containers/create?name={name}", body);
        await CallAsync(HttpMethod.Post, $"containers/{created!.RootElement.GetProperty("Id").GetString()}/start");
    }

    /// <summary>Ids of all containers, stopped ones included.</summary>
    public async Task<IReadOnlyList<string>> ListAsync(bool runningOnly = false)
    {
        using var list = await CallAsync(HttpMethod.Get, $"containers/json?all={(runningOnly ? 0 : 1)}");
        return [.. list!.RootElement.EnumerateArray().Select(container => container.GetProperty("Id").GetString()!)];
    }

    /// <summary>Removes every container.</summary>
    public async Task ClearAsync()
    {
        foreach (var id in await ListAsync())
            await CallAsync(HttpMethod.Delete, $"containers/{id}?force=1&v=1");
    }

    /// <summary>Container starts and ends from now on, each with the moment it was read here.</summary>
    public async Task WatchAsync(Action<EngineEvent> seen, TaskCompletionSource ready, CancellationToken cancellation)
    {
        const string filters = """{"type":["container"],"event":["start","die"]}""";
        using var request = new HttpRequestMessage(HttpMethod.Get, $"events?filters={Uri.EscapeDataString(filters)}");
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellation));
        ready.TrySetResult();
        while (await reader.ReadLineAsync(cancellation) is { } line)
        {
            using var parsed = JsonDocument.Parse(line);
            var actor = parsed.RootElement.GetProperty("Actor");
            seen(new EngineEvent(
                this, parsed.RootElement.GetProperty("Action").GetString()!, actor.GetProperty("ID").GetString()!,
                actor.GetProperty("Attributes").GetProperty("image").GetString() ?? ""));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();
}

/// <summary>A container started or ended.</summary>
public sealed record EngineEvent(Engine Engine, string Action, string Container, string Image);
