using Berth.Cli.Output;

namespace Berth.Cli.Client;

/// <summary>Where a manager is asked: a unix socket, or an HTTP/2 address of a lab.</summary>
/// <param name="Url">As shown to people: <c>unix:///PATH</c> or <c>http://HOST:PORT</c>.</param>
/// <param name="SocketPath">The socket's path; null for an HTTP address.</param>
internal sealed record ManagerAddress(string Url, string? SocketPath)
{
    /// <summary>The environment variable that names a manager.</summary>
    public const string Variable = "BERTH_HOST";

    private const string Default = "unix:///run/berth/manager.sock";
    private const int DefaultPort = 2400;

    /// <summary>The manager to ask: <c>--host</c>, else <c>BERTH_HOST</c>, else the local socket.</summary>
    /// <exception cref="UserError">What is given is not an address.</exception>
    public static ManagerAddress Resolve(string? flag, Func<string, string?> environment)
    {
        if (!string.IsNullOrEmpty(flag))
            return Parse(flag, "--host");
        return environment(Variable) is { Length: > 0 } variable ? Parse(variable, Variable) : Parse(Default, "the default");
    }

    /// <summary>Reads an address; the port is 2400 where none is given.</summary>
    /// <param name="text">As written.</param>
    /// <param name="source">Where it was written, for the error.</param>
    public static ManagerAddress Parse(string text, string source)
    {
        const string unix = "unix://";
        if (text.StartsWith(unix, StringComparison.Ordinal))
        {
            var path = text[unix.Length..];
            return path.StartsWith('/') && path.Length > 1 ? new ManagerAddress(text, path) : throw Wrong(text, source, "a socket's path is absolute");
        }
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Host.Length == 0)
            throw Wrong(text, source, "it has neither unix:// nor http:// before it");
        if (uri.Scheme == Uri.UriSchemeHttps)
            throw Wrong(text, source, "managers do not speak TLS yet");
        if (uri.Scheme != Uri.UriSchemeHttp)
            throw Wrong(text, source, $"'{uri.Scheme}' is not a way to reach a manager");
        if (uri.PathAndQuery != "/")
            throw Wrong(text, source, "an address has no path");

        var port = uri.IsDefaultPort && !text.TrimEnd('/').EndsWith(":80", StringComparison.Ordinal) ? DefaultPort : uri.Port;
        return new ManagerAddress($"http://{uri.Host}:{port}", null);
    }

    private static UserError Wrong(string text, string source, string why) =>
        UserError.Usage($"manager address '{text}' from {source}: {why}", "write unix:///run/berth/manager.sock or http://10.0.0.1:2400");
}
