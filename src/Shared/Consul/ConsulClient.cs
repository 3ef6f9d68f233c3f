using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;

namespace Berth.Consul;

/// <summary>The part of Consul's HTTP API that managers are registered and found by.</summary>
/// <remarks>Every failure is a <see cref="ConsulException"/>. Nothing is tried twice: who asks knows what waiting costs.</remarks>
public sealed class ConsulClient : IDisposable
{
    /// <summary>How long a blocking query waits for a change at most.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(5);

    private const int LargestAnswerBytes = 4 << 20;
    private const UnixFileMode Everybody = UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    // Consul adds up to a sixteenth of the wait, so that not all who wait come back together.
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(5);

    private readonly ConsulAddress _address;
    private readonly HttpClient _http;
    private readonly TimeProvider _time;

    /// <summary>A client of one Consul agent; it connects with the first call.</summary>
    public ConsulClient(ConsulAddress address, TimeProvider time)
    {
        _address = address;
        _time = time;
        var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, ConnectTimeout = AnswerWithin };
        if (address.CaFile is { } authority)
            handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, errors) => IsTrusted(certificate as X509Certificate2, errors, authority);
        _http = new HttpClient(handler) { BaseAddress = address.Http, Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = LargestAnswerBytes };
    }

    /// <summary>Registers a service, or replaces the one of the same id.</summary>
    public Task RegisterAsync(ConsulService service, CancellationToken cancellation) =>
        PutAsync("/v1/agent/service/register", JsonSerializer.SerializeToUtf8Bytes(service, ConsulJson.Default.ConsulService), "register this manager", cancellation);

    /// <summary>Says that a check passes.</summary>
    /// <exception cref="ConsulException"><see cref="ConsulException.IsUnknown"/> when the check has to be registered again.</exception>
    public Task PassAsync(string check, CancellationToken cancellation) =>
        PutAsync($"/v1/agent/check/pass/{Uri.EscapeDataString(check)}", [], "say that this manager is well", cancellation);

    /// <summary>Takes a service away.</summary>
    public Task DeregisterAsync(string service, CancellationToken cancellation) =>
        PutAsync($"/v1/agent/service/deregister/{Uri.EscapeDataString(service)}", [], "take this manager out", cancellation);

    /// <summary>Instances whose checks pass.</summary>
    /// <param name="after">The index of an earlier answer: waits until something changed since; 0 to be answered at once.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<(long Index, IReadOnlyList<ConsulEntry> Entries)> HealthyAsync(long after, CancellationToken cancellation)
    {
        var path = $"/v1/health/service/{Uri.EscapeDataString(_address.Service)}?passing=1";
        if (_address.Datacenter is { } datacenter)
            path += $"&dc={Uri.EscapeDataString(datacenter)}";
        if (after > 0)
            path += string.Create(CultureInfo.InvariantCulture, $"&index={after}&wait={LongestWait.TotalSeconds:0}s");
        var limit = after > 0 ? LongestWait + LongestWait / 16 + AnswerWithin : AnswerWithin;
        using var answer = await SendAsync(HttpMethod.Get, path, null, "find managers", limit, cancellation).ConfigureAwait(false);
        try
        {
            var body = await answer.Content.ReadAsByteArrayAsync(cancellation).ConfigureAwait(false);
            var entries = JsonSerializer.Deserialize(body, ConsulJson.Default.ConsulEntryArray) ?? [];
            var index = answer.Headers.TryGetValues("X-Consul-Index", out var values)
                && long.TryParse(values.First(), NumberStyles.None, CultureInfo.InvariantCulture, out var given) ? given : 0;
            // An index that goes back means that Consul began anew: then everything is asked for again.
            return (index < after ? 0 : index, entries);
        }
        catch (JsonException error)
        {
            throw new ConsulException($"what answers at {_address.Http} is not Consul: its answer cannot be read ({error.Message}); check the address", inner: error);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async Task PutAsync(string path, byte[] body, string doing, CancellationToken cancellation)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        (await SendAsync(HttpMethod.Put, path, content, doing, AnswerWithin, cancellation).ConfigureAwait(false)).Dispose();
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, HttpContent? content, string doing, TimeSpan within, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(within, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        using var request = new HttpRequestMessage(method, path) { Content = content };
        if (Token() is { } token)
            request.Headers.TryAddWithoutValidation("X-Consul-Token", token);
        HttpResponseMessage? answer = null;
        try
        {
            answer = await _http.SendAsync(request, HttpCompletionOption.ResponseContentRead, either.Token).ConfigureAwait(false);
            if (answer.IsSuccessStatusCode)
                return answer;
            var said = (await answer.Content.ReadAsStringAsync(either.Token).ConfigureAwait(false)).Trim();
            throw Refused(answer.StatusCode, said.Length > 200 ? said[..200] : said, doing);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            answer?.Dispose();
            throw new ConsulException($"could not {doing}: Consul at {_address.Http} did not answer within {within.TotalSeconds:0} s");
        }
        catch (HttpRequestException error)
        {
            answer?.Dispose();
            var why = error.InnerException is AuthenticationException tls ? tls.Message : error.InnerException?.Message ?? error.Message;
            throw new ConsulException($"could not {doing}: Consul at {_address.Http} cannot be reached: {why}; is its agent running there?", inner: error);
        }
        catch
        {
            answer?.Dispose();
            throw;
        }
    }

    private ConsulException Refused(HttpStatusCode status, string said, string doing)
    {
        var code = (int)status;
        if (status is HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized)
        {
            var whose = _address.TokenFile is { } file ? $"the token in {file}" : "a caller without a token";
            return new ConsulException(
                $"could not {doing}: Consul at {_address.Http} refused {whose} ({code}: {said}); managers need service:write on \"{_address.Service}\", who looks for them needs service:read and node:read");
        }
        // Of a check that it does not have, 1.8 says so with 500, later versions with 404.
        var isUnknown = status == HttpStatusCode.NotFound || said.Contains("does not have associated TTL", StringComparison.Ordinal)
            || said.Contains("Unknown check", StringComparison.OrdinalIgnoreCase);
        return new ConsulException($"could not {doing}: Consul at {_address.Http} answered {code}: {said}", isUnknown);
    }

    private string? Token()
    {
        if (_address.TokenFile is not { } file)
            return null;
        try
        {
            if ((File.GetUnixFileMode(file) & Everybody) != 0)
                throw new ConsulException($"the token of Consul in {file} may be read by everybody; run: chmod o= {file}");
            return File.ReadAllText(file).Trim() is { Length: > 0 } token ? token : throw new ConsulException($"the file {file} holds no token of Consul");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ConsulException($"the token of Consul cannot be read: {error.Message}", inner: error);
        }
    }

    // The name is checked by the caller of this; the chain is built again, to the one authority that was named.
    private static bool IsTrusted(X509Certificate2? certificate, SslPolicyErrors errors, string authority)
    {
        if (certificate is null || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != 0)
            return false;
        try
        {
            using var chain = new X509Chain();
            chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.ChainPolicy.CustomTrustStore.ImportFromPemFile(authority);
            chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
            return chain.Build(certificate);
        }
        catch (Exception error) when (error is IOException or CryptographicException or UnauthorizedAccessException)
        {
            throw new AuthenticationException($"the authority in {authority} cannot be read: {error.Message}", error);
        }
    }
}
