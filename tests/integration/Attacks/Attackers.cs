using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Berth.Identity;
using Berth.Protocol.V1;
using Berth.Tests.Integration.Identity;
using Google.Protobuf;
using Grpc.Core;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Attacks;

/// <summary>How somebody outside speaks to a manager: with certificates of every kind, and with bytes that no client would send.</summary>
internal static class Attackers
{
    /// <summary>Admits a client and gives it its identity.</summary>
    public static async Task<TlsIdentity> AdmitAsync(this ClusterManager manager, string name, string role, params string[] stacks)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var admitted = await manager.Admin.CreateClientAsync(new CreateClientRequest
        {
            Name = name, Role = role, Stacks = { stacks }, SigningRequest = ByteString.CopyFrom(SigningRequest.Make(key, name)),
        });
        return new TlsIdentity(ProcessIdentity.Read(admitted.CertificatePem, key.ExportPkcs8PrivateKeyPem(), admitted.AuthorityPem), TimeProvider.System);
    }

    /// <summary>Somebody without a certificate who trusts the cluster.</summary>
    public static async Task<TlsIdentity> StrangerAsync(this ClusterManager manager)
    {
        var trust = await new Enrollment.EnrollmentClient(manager.Dial(Joining.TrustingNobody())).GetTrustAsync(new GetTrustRequest());
        return TlsIdentity.WithoutCertificate(Pem.Many(trust.AuthorityPem, "trust"), null, TimeProvider.System);
    }

    /// <summary>What was written down.</summary>
    public static async Task<List<AuditEntry>> AuditAsync(this ClusterManager manager)
    {
        using var call = manager.Admin.ReadAudit(new ReadAuditRequest());
        var entries = new List<AuditEntry>();
        await foreach (var entry in call.ResponseStream.ReadAllAsync())
            entries.Add(entry);
        return entries;
    }

    /// <summary>A client that sends whatever bytes it is given.</summary>
    public static HttpClient Raw(this ClusterManager manager, TlsIdentity identity) => new(new SocketsHttpHandler
    {
        SslOptions = identity.ForClient(CertificateRole.Manager), UseProxy = false,
    })
    {
        BaseAddress = new Uri(manager.Url), DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    /// <summary>Sends bytes as the body of a call and reads how it ends.</summary>
    /// <returns>The status; <see cref="StatusCode.Aborted"/> with the reason when the manager broke the stream off.</returns>
    public static async Task<Status> SendAsync(this HttpClient client, string path, byte[] body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body), Version = HttpVersion.Version20 };
        request.Content.Headers.ContentType = new("application/grpc");
        request.Headers.TE.Add(new("trailers"));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
            if (StatusIn(answer.Headers) is { } early)
                return early;
            await answer.Content.CopyToAsync(Stream.Null, patience.Token);
            return StatusIn(answer.TrailingHeaders) ?? new Status(StatusCode.Aborted, $"HTTP {(int)answer.StatusCode} without a status");
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            return new Status(StatusCode.Aborted, error.Message);
        }
    }

    /// <summary>A message in the frame that gRPC puts around it.</summary>
    public static byte[] Framed(byte[] message, int? claimed = null, byte compressed = 0)
    {
        var framed = new byte[5 + message.Length];
        framed[0] = compressed;
        BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), claimed ?? message.Length);
        message.CopyTo(framed, 5);
        return framed;
    }

    private static Status? StatusIn(System.Net.Http.Headers.HttpResponseHeaders headers)
    {
        if (!headers.TryGetValues("grpc-status", out var values))
            return null;
        var detail = headers.TryGetValues("grpc-message", out var messages) ? Uri.UnescapeDataString(string.Concat(messages)) : "";
        return new Status((StatusCode)int.Parse(values.First(), CultureInfo.InvariantCulture), detail);
    }
}
