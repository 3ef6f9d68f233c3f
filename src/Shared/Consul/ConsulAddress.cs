using System.Diagnostics.CodeAnalysis;

namespace Berth.Consul;

/// <summary>Where a Consul agent answers, and under which service name managers are found there.</summary>
/// <remarks><c>consul://HOST[:8500]/SERVICE[?dc=NAME&amp;token-file=PATH&amp;ca-file=PATH]</c>, or <c>consul+https://HOST[:8501]/…</c>.
/// What the address leaves open comes from Consul's own variables. A token is never part of it: addresses are in command lines
/// and logs.</remarks>
public sealed record ConsulAddress
{
    /// <summary>The scheme of a Consul agent asked in the clear, as on the host's own loopback.</summary>
    public const string Scheme = "consul";

    /// <summary>The scheme of a Consul agent asked over TLS.</summary>
    public const string SecureScheme = "consul+https";

    /// <summary>Under which name managers are found unless told.</summary>
    public const string DefaultService = "berth";

    private const int DefaultPort = 8500;
    private const int DefaultSecurePort = 8501;
    private const int LongestName = 63;

    /// <summary>Where Consul's HTTP API is.</summary>
    public required Uri Http { get; init; }

    /// <summary>The service's name.</summary>
    public string Service { get; init; } = DefaultService;

    /// <summary>The datacenter that is asked; null for the Consul agent's own.</summary>
    public string? Datacenter { get; init; }

    /// <summary>A file with the ACL token, read for every request, so that it may be replaced; null for none.</summary>
    public string? TokenFile { get; init; }

    /// <summary>A PEM file with the authority of Consul's certificate; null for the machine's own authorities.</summary>
    public string? CaFile { get; init; }

    /// <summary>Whether a text is meant as an address of Consul.</summary>
    public static bool Is(string text) =>
        text.StartsWith(Scheme + "://", StringComparison.Ordinal) || text.StartsWith(SecureScheme + "://", StringComparison.Ordinal);

    /// <summary>Reads an address.</summary>
    /// <param name="text">As written.</param>
    /// <param name="environment">Variables: <c>CONSUL_HTTP_TOKEN_FILE</c> and <c>CONSUL_CACERT</c> where the address says nothing.</param>
    /// <param name="address">The address.</param>
    /// <param name="problem">What is wrong, for people; nothing that could be a token is repeated.</param>
    public static bool TryParse(
        string text, Func<string, string?> environment, [NotNullWhen(true)] out ConsulAddress? address, [NotNullWhen(false)] out string? problem)
    {
        (address, problem) = Read(text, environment);
        return problem is null;
    }

    /// <summary>Reads an address that is known to be right, or throws <see cref="FormatException"/>.</summary>
    public static ConsulAddress Parse(string text, Func<string, string?> environment) =>
        TryParse(text, environment, out var address, out var problem) ? address : throw new FormatException(problem);

    /// <summary>As it is shown to people.</summary>
    public override string ToString() => $"{(Http.Scheme == Uri.UriSchemeHttps ? SecureScheme : Scheme)}://{Http.Authority}/{Service}";

    private static (ConsulAddress?, string?) Read(string text, Func<string, string?> environment)
    {
        if (!Is(text) || !Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Host.Length == 0)
            return (null, "an address of Consul is consul://HOST:8500/SERVICE");
        if (uri.UserInfo.Length > 0)
            return (null, "a token does not belong in an address, which others can see; put it into a file and name that: consul://HOST:8500/SERVICE?token-file=PATH");
        var service = Uri.UnescapeDataString(uri.AbsolutePath.Trim('/'));
        if (!IsName(service, emptyToo: true))
            return (null, $"'{service}' is not the name of a service in Consul; use at most {LongestName} letters, digits and '-'");
        var isSecure = uri.Scheme == SecureScheme;
        var port = uri.Port > 0 ? uri.Port : isSecure ? DefaultSecurePort : DefaultPort;
        var address = new ConsulAddress
        {
            Http = new UriBuilder(isSecure ? Uri.UriSchemeHttps : Uri.UriSchemeHttp, uri.IdnHost, port).Uri,
            Service = service.Length > 0 ? service : DefaultService,
            TokenFile = NonEmpty(environment("CONSUL_HTTP_TOKEN_FILE")),
            CaFile = NonEmpty(environment("CONSUL_CACERT")),
        };
        foreach (var pair in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (key, value) = pair.Split('=', 2) is [var left, var right] ? (left, Uri.UnescapeDataString(right)) : (pair, "");
            switch (key)
            {
                case "dc" when IsName(value, emptyToo: false):
                    address = address with { Datacenter = value };
                    break;
                case "token-file" when value.StartsWith('/'):
                    address = address with { TokenFile = value };
                    break;
                case "ca-file" when value.StartsWith('/') && isSecure:
                    address = address with { CaFile = value };
                    break;
                case "token":
                    return (null, "a token does not belong in an address, which others can see; put it into a file and name that: ?token-file=PATH");
                default:
                    return (null, $"'{key}' of an address of Consul: known are dc=NAME, token-file=PATH and, with consul+https, ca-file=PATH; paths are absolute");
            }
        }
        return (address, null);
    }

    private static bool IsName(string text, bool emptyToo) =>
        text.Length <= LongestName && (emptyToo || text.Length > 0) && text.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_');

    private static string? NonEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
