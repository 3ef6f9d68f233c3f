using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace Berth.Agent.Engine;

/// <summary>Docker's event stream: one JSON object a line.</summary>
internal sealed class DockerEvents(HttpResponseMessage response, Stream body) : IEngineEvents
{
    public async IAsyncEnumerable<EngineEvent> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        using var reader = new StreamReader(body, Encoding.UTF8);
        while (await NextAsync(reader, cancellation).ConfigureAwait(false) is { } line)
        {
            if (Parse(line) is { } json && EngineAnswers.Event(json) is { } happened)
                yield return happened;
        }
        throw new EngineException(EngineFault.Unavailable, "the engine ended its event stream");
    }

    public void Dispose() => response.Dispose();

    private static EventJson? Parse(string line)
    {
        try
        {
            return JsonSerializer.Deserialize(line, EngineJson.Default.EventJson);
        }
        catch (JsonException broken)
        {
            throw DockerEngine.Unavailable("read the engine's events", broken);
        }
    }

    private static async Task<string?> NextAsync(StreamReader reader, CancellationToken cancellation)
    {
        try
        {
            return await reader.ReadLineAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception error) when (DockerEngine.IsBroken(error, cancellation))
        {
            throw DockerEngine.Unavailable("read the engine's events", error);
        }
    }
}
