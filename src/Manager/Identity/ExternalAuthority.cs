using System.Net.Http.Headers;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization;
using Berth.Identity;
using Berth.Manager.Store;
using Berth.Model;
using Grpc.Core;

namespace Berth.Manager.Identity;

/// <summary>Asks an authority outside the cluster to sign, in the JSON of cfssl's <c>/api/v1/cfssl/sign</c>.</summary>
/// <remarks>The connection shows this manager's certificate and trusts the cluster's authorities and those of the host. What
/// comes back is believed only after it was checked: key, subject, and the chain to the cluster's authority.</remarks>
public sealed class ExternalAuthority : IDisposable
{
    private const int LargestAnswerBytes = 256 * 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly HttpClient _http;
    private readonly TimeProvider _time;

    /// <summary>Asks with this identity.</summary>
    public ExternalAuthority(TlsIdentity identity, TimeProvider time)
    {
        _time = time;
        var handler = new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false };
        handler.SslOptions.EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13;
        handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => identity.Current?.Certificate!;
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
            errors == System.Net.Security.SslPolicyErrors.None || IsOfCluster(identity, certificate, chain, errors);
        _http = new HttpClient(handler) { Timeout = Patience, MaxResponseContentBufferSize = LargestAnswerBytes };
    }

    /// <summary>Has a certificate signed, or throws <see cref="RpcException"/> that says why not.</summary>
    public async Task<X509Certificate2> SignAsync(
        string url, ClusterTrust trust, ClusterId cluster, SigningRequest request, CertificateRole role, string name, CancellationToken cancellation)
    {
        var asked = JsonSerializer.SerializeToUtf8Bytes(
            new SignRequest
            {
                CertificateRequest = request.ToPem(),
                Hosts = role == CertificateRole.Client ? [] : [name],
                Subject = new SignSubject { Cn = name, Names = [new SignName { O = cluster.ToString(), Ou = NodeCertificate.WordOf(role) }] },
                Profile = NodeCertificate.WordOf(role),
            },
            SignContext.Default.SignRequest);
        var certificate = await AskAsync(url, asked, cancellation);
        if (Problem(certificate, trust, cluster, request, role, name) is { } problem)
            throw Unavailable(url, $"signed something else: {problem}");
        return certificate;
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async Task<X509Certificate2> AskAsync(string url, byte[] asked, CancellationToken cancellation)
    {
        try
        {
            using var content = new ByteArrayContent(asked);
            content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            using var answer = await _http.PostAsync(new Uri(url), content, cancellation);
            var text = await answer.Content.ReadAsByteArrayAsync(cancellation);
            var read = JsonSerializer.Deserialize(text, SignContext.Default.SignAnswer);
            if (read is not { Success: true, Result.Certificate: { Length: > 0 } pem })
            {
                var said = string.Join("; ", read?.Errors?.Select(error => error.Message) ?? []);
                throw Unavailable(url, $"refused to sign ({(int)answer.StatusCode}): {(said.Length > 0 ? said : "it does not say why")}");
            }
            return Pem.One(pem, "what the external authority signed");
        }
        catch (Exception error) when (error is HttpRequestException or JsonException or FormatException
            || (error is TaskCanceledException && !cancellation.IsCancellationRequested))
        {
            throw Unavailable(url, $"did not answer as it should: {error.GetBaseException().Message}");
        }
    }

    private string? Problem(
        X509Certificate2 certificate, ClusterTrust trust, ClusterId cluster, SigningRequest request, CertificateRole role, string name)
    {
        if (NodeCertificate.KeyHash(certificate) != request.KeyHash)
            return "the certificate is for another key";
        if (!NodeCertificate.TryRead(certificate, out var subject, out var problem))
            return problem;
        if (subject.Name != name || subject.Role != role || subject.Cluster != cluster)
            return $"the certificate is for {NodeCertificate.WordOf(subject.Role)} '{subject.Name}' of {subject.Cluster}";
        var signing = Pem.One(trust.Signing.CertificatePem, "the authority's certificate");
        return TlsIdentity.WithoutCertificate([signing], cluster, _time).ProblemOf(certificate, role);
    }

    // A certificate of its own cluster's authority is as good as one of the host's: whoever runs the authority chooses.
    private static bool IsOfCluster(
        TlsIdentity identity, X509Certificate? certificate, X509Chain? presented, System.Net.Security.SslPolicyErrors errors)
    {
        if (certificate is not X509Certificate2 shown || errors.HasFlag(System.Net.Security.SslPolicyErrors.RemoteCertificateNameMismatch))
            return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(identity.Roots);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        if (presented is not null)
            chain.ChainPolicy.ExtraStore.AddRange(presented.ChainPolicy.ExtraStore);
        return chain.Build(shown);
    }

    private static RpcException Unavailable(string url, string what) =>
        new(new Status(StatusCode.Unavailable, $"the external authority {url} {what}"));
}

internal sealed class SignRequest
{
    [JsonPropertyName("certificate_request")]
    public string CertificateRequest { get; set; } = "";
    [JsonPropertyName("hosts")]
    public List<string> Hosts { get; set; } = [];
    [JsonPropertyName("subject")]
    public SignSubject? Subject { get; set; }
    [JsonPropertyName("profile")]
    public string Profile { get; set; } = "";
}

internal sealed class SignSubject
{
    [JsonPropertyName("CN")]
    public string Cn { get; set; } = "";
    [JsonPropertyName("names")]
    public List<SignName> Names { get; set; } = [];
}

internal sealed class SignName
{
    [JsonPropertyName("O")]
    public string O { get; set; } = "";
    [JsonPropertyName("OU")]
    public string Ou { get; set; } = "";
}

internal sealed class SignAnswer
{
    [JsonPropertyName("success")]
    public bool Success { get; set; }
    [JsonPropertyName("result")]
    public SignResult? Result { get; set; }
    [JsonPropertyName("errors")]
    public List<SignError>? Errors { get; set; }
}

internal sealed class SignResult
{
    [JsonPropertyName("certificate")]
    public string? Certificate { get; set; }
}

internal sealed class SignError
{
    [JsonPropertyName("message")]
    public string? Message { get; set; }
}

[JsonSerializable(typeof(SignRequest))]
[JsonSerializable(typeof(SignAnswer))]
internal sealed partial class SignContext : JsonSerializerContext;
