using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Berth.Cli.Output;

namespace Berth.Cli.Lab;

/// <summary>The three calls a lab makes to an engine, over its unix socket.</summary>
internal sealed class EngineClient(string socket) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        UseProxy = false,
        ConnectCallback = async (_, cancel) =>
        {
            var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancel);
                return new NetworkStream(connection, ownsSocket: true);
            }
            catch
            {
                connection.Dispose();
                throw;
            }
        },
    })
    { BaseAddress = new Uri("http://engine/"), Timeout = TimeSpan.FromMinutes(5) };

    public async Task<bool> AnswersAsync(CancellationToken cancel)
    {
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            limit.CancelAfter(TimeSpan.FromSeconds(2));
            using var answer = await _http.GetAsync("_ping", limit.Token);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception error) when (error is HttpRequestException or OperationCanceledException && !cancel.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>Whether the engine has this very image under this name.</summary>
    public async Task<bool> HasAsync(ArchivedImage image, CancellationToken cancel)
    {
        foreach (var tag in image.Tags)
        {
            using var answer = await _http.GetAsync($"images/{tag}/json", cancel);
            if (answer.StatusCode == HttpStatusCode.NotFound)
                return false;
            using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(cancel));
            if (!json.RootElement.TryGetProperty("Id", out var id) || id.GetString() != image.Id)
                return false;
        }
        return true;
    }

    /// <summary>Loads an image archive.</summary>
    /// <exception cref="UserError">The engine refused it.</exception>
    public async Task LoadAsync(string file, CancellationToken cancel)
    {
        await using var archive = File.OpenRead(file);
        using var body = new StreamContent(archive);
        body.Headers.ContentType = new("application/x-tar");
        using var answer = await _http.PostAsync("images/load?quiet=1", body, cancel);
        var text = await answer.Content.ReadAsStringAsync(cancel);
        // The engine says 200 before it has read the archive; an error comes later, as a line of its own.
        if (!answer.IsSuccessStatusCode || text.Contains("\"errorDetail\"", StringComparison.Ordinal))
            throw new UserError($"the engine at {socket} did not load {file}: {text.Trim()}", "check that the file is an archive made by 'docker save' or samples/images/build.sh");
    }

    public void Dispose() => _http.Dispose();
}
