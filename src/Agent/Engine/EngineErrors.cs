using System.Globalization;
using System.Net;
using System.Text.Json;

namespace Berth.Agent.Engine;

/// <summary>Turns an engine's error texts into a reason people understand and a fault the agent can act on.</summary>
/// <remarks>Docker answers almost every failed pull with status 500, so the text decides (docs/agent.md).</remarks>
public static class EngineErrors
{
    private const int LongestText = 400;

    // Layers of the engine that say nothing to a reader; what follows them is the cause.
    private static readonly string[] Noise =
    [
        "Error response from daemon: ", "failed to create shim task: ", "failed to create shim: ",
        "OCI runtime create failed: ", "OCI runtime start failed: ", "runc create failed: ", "container_linux.go:",
        "unable to start container process: ", "starting container process caused: ", "invalid mount config for type \"bind\": ",
    ];

    // Waiting helps: nobody listens, the network or the registry is slow or busy.
    private static readonly string[] Passing =
    [
        "connection refused", "connection reset", "i/o timeout", "timeout exceeded", "deadline exceeded", "TLS handshake timeout",
        "network is unreachable", "no route to host", "no such host", "temporary failure in name resolution", "server misbehaving",
        "unexpected EOF", "toomanyrequests", "too many requests", "received unexpected HTTP status: 5", "service unavailable",
        "bad gateway",
    ];

    /// <summary>Why a pull failed.</summary>
    /// <param name="image">The reference that was pulled.</param>
    /// <param name="text">The engine's text, thrown or streamed.</param>
    public static EngineException Pull(string image, string text)
    {
        var cause = Readable(text);
        if (Contains(text, "no basic auth credentials") || Contains(text, "unauthorized") || Contains(text, "authentication required")
            || Contains(text, "access to the resource is denied") || Contains(text, "requires 'docker login'"))
            return new EngineException(EngineFault.Refused, $"pull image '{image}': the registry refused this node: {cause}");
        if (Contains(text, "manifest unknown") || (Contains(text, "not found") && !Contains(text, "no such host")))
            return new EngineException(EngineFault.Refused, $"pull image '{image}': no such image or tag in the registry: {cause}");
        if (Contains(text, "no matching manifest") || Contains(text, "does not match the specified platform"))
            return new EngineException(EngineFault.Refused, $"pull image '{image}': not built for this node's platform: {cause}");
        var fault = Passing.Any(passing => Contains(text, passing)) ? EngineFault.Temporary : EngineFault.Refused;
        return new EngineException(fault, $"pull image '{image}': {cause}");
    }

    /// <summary>Why a container could not be created.</summary>
    public static EngineException Create(string image, HttpStatusCode status, string text)
    {
        if (status == HttpStatusCode.NotFound && Contains(text, "No such image"))
            return new EngineException(EngineFault.ImageMissing, $"image '{image}' is not on this node");
        return new EngineException(EngineFault.Refused, $"create container: {Readable(text)}");
    }

    /// <summary>Why a container could not be started.</summary>
    public static EngineException Start(HttpStatusCode status, string text)
    {
        if (status == HttpStatusCode.NotFound && Contains(text, "No such container"))
            return new EngineException(EngineFault.NotFound, "start container: it is gone; somebody else removed it");
        if (Contains(text, "port is already allocated") || Contains(text, "address already in use"))
            return new EngineException(EngineFault.PortTaken, $"start container: a published port is taken on this node: {Readable(text)}");
        var hint = Contains(text, "exec format error") ? " (the image is built for another architecture)" : "";
        return new EngineException(EngineFault.Refused, $"start container: {Readable(text)}{hint}");
    }

    /// <summary>Any other answer that is not success.</summary>
    public static EngineException Other(string what, HttpStatusCode status, string text) =>
        new(status == HttpStatusCode.NotFound ? EngineFault.NotFound : EngineFault.Refused,
            string.Create(CultureInfo.InvariantCulture, $"{what}: the engine answered {(int)status}: {Readable(text)}"));

    /// <summary>The cause in an engine's answer: unwrapped from its JSON, without the layers it passed, at most 400 characters.</summary>
    public static string Readable(string text)
    {
        var cause = Unwrap(text.Trim());
        foreach (var noise in Noise)
        {
            var at = cause.IndexOf(noise, StringComparison.Ordinal);
            if (at >= 0 && noise != "container_linux.go:")
                cause = cause[(at + noise.Length)..];
            else if (at >= 0 && cause.IndexOf(": ", at, StringComparison.Ordinal) is var end and >= 0)
                cause = cause[(end + 2)..];
        }
        cause = cause.Replace("\r", "", StringComparison.Ordinal).Replace('\n', ' ').TrimEnd(' ', ':');
        if (cause.EndsWith(": unknown", StringComparison.Ordinal))
            cause = cause[..^": unknown".Length];
        return cause.Length <= LongestText ? cause : cause[..LongestText] + "…";
    }

    private static string Unwrap(string text)
    {
        if (!text.StartsWith('{'))
            return text;
        try
        {
            using var json = JsonDocument.Parse(text);
            return json.RootElement.TryGetProperty("message", out var message) ? message.GetString() ?? text : text;
        }
        catch (JsonException)
        {
            // A text that only looks like JSON is shown as it is.
            return text;
        }
    }

    private static bool Contains(string text, string part) => text.Contains(part, StringComparison.OrdinalIgnoreCase);
}
