using Berth.Cli.Output;
using Berth.Consul;

namespace Berth.Cli.Client;

/// <summary>Where a manager is asked: a unix socket, or a network address, where both sides prove who they are.</summary>
/// <param name="Url">As shown to people: <c>unix:///PATH</c>, <c>https://HOST:PORT</c>, or a Consul that names managers.</param>
/// <param name="SocketPath">The socket's path; null for a network address.</param>
internal sealed record ManagerAddress(string Url, string? SocketPath)
{
    /// <summary>The environment variable that names a manager.</summary>
    public const string Variable = "BERTH_HOST";

    /// <summary>The port of managers.</summary>
    public const int DefaultPort = 2400;

    /// <summary>The socket of a manager on this host.</summary>
    public static ManagerAddress Local { get; } = Parse("unix:///run/berth/manager.sock", "the default");

    /// <summary>Whether both sides prove who they are.</summary>
    public bool IsTls => IsConsul || Url.StartsWith("https:", StringComparison.Ordinal);

    /// <summary>Whether it is no manager but a Consul that names some.</summary>
    public bool IsConsul => ConsulAddress.Is(Url);

    /// <summary>Reads several addresses, separated by commas: managers of one cluster.</summary>
    public static IReadOnlyList<ManagerAddress> ParseAll(string text, string source)
    {
        var parts = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return parts.Length == 0 ? throw Wrong(text, source, "it is empty") : [.. parts.Select(part => Parse(part, source)).Distinct()];
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
        if (ConsulAddress.Is(text))
            return ConsulAddress.TryParse(text, _ => null, out _, out var problem) ? new ManagerAddress(text, null) : throw Wrong("consul://…", source, problem);
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Host.Length == 0)
            throw Wrong(text, source, "it has neither unix:// nor https:// before it");
        if (uri.Scheme is not ("http" or "https"))
            throw Wrong(text, source, $"'{uri.Scheme}' is not a way to reach a manager");
        if (uri.PathAndQuery != "/")
            throw Wrong(text, source, "an address has no path");

        var standard = uri.Scheme == "http" ? ":80" : ":443";
        var port = uri.IsDefaultPort && !text.TrimEnd('/').EndsWith(standard, StringComparison.Ordinal) ? DefaultPort : uri.Port;
        return new ManagerAddress($"{uri.Scheme}://{uri.Host}:{port}", null);
    }

    private static UserError Wrong(string text, string source, string why) =>
        UserError.Usage($"manager address '{text}' from {source}: {why}", "write unix:///run/berth/manager.sock or https://10.0.0.1:2400");
}
