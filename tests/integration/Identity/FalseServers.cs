using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Berth.Identity;
using Berth.Model;
using Berth.Protocol.V1;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using CertificateRole = Berth.Identity.CertificateRole;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Identity;

/// <summary>Somebody who answers where a manager should, with an authority of his own.</summary>
internal sealed class FalseManager : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly List<GrpcChannel> _channels = [];
    private readonly Answers _answers;

    private FalseManager(WebApplication app, Answers answers) => (_app, _answers) = (app, answers);

    /// <summary>How often it was asked whom to trust.</summary>
    public int Asked => _answers.Asked;

    /// <summary>How often it was given a token.</summary>
    public int Enrolled => _answers.Enrolled;

    /// <summary>Starts one.</summary>
    /// <param name="trust">What it says whom to trust; null for its own authority.</param>
    public static async Task<FalseManager> StartAsync(string? trust)
    {
        var cluster = new ClusterId(IdSource.Random.Next());
        using var authority = CertificateAuthority.Create(cluster, TimeProvider.System.GetUtcNow(), TimeSpan.FromDays(1));
        var identity = Servers.Identify(authority, cluster, CertificateRole.Manager, new NodeId(IdSource.Random.Next()).ToString());
        var answers = new Answers(trust ?? authority.CertificatePem);
        var app = await Servers.StartAsync(identity, HttpProtocols.Http2, services =>
        {
            services.AddGrpc();
            services.AddSingleton(answers);
        }, app => app.MapGrpcService<Answers>());
        return new FalseManager(app, answers);
    }

    public CallInvoker Dial(SslClientAuthenticationOptions options)
    {
        var channel = GrpcChannel.ForAddress(_app.Urls.Single(), new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler { SslOptions = options, UseProxy = false },
            DisposeHttpClient = true,
        });
        _channels.Add(channel);
        return channel.CreateCallInvoker();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var channel in _channels)
            channel.Dispose();
        await _app.DisposeAsync();
    }

    internal sealed class Answers(string trust) : Enrollment.EnrollmentBase
    {
        private int _asked;
        private int _enrolled;

        public int Asked => _asked;
        public int Enrolled => _enrolled;

        public override Task<Trust> GetTrust(GetTrustRequest request, ServerCallContext context)
        {
            Interlocked.Increment(ref _asked);
            return Task.FromResult(new Trust { AuthorityPem = trust });
        }

        public override Task<Protocol.V1.Identity> Enroll(EnrollRequest request, ServerCallContext context)
        {
            Interlocked.Increment(ref _enrolled);
            throw new RpcException(new Status(StatusCode.Internal, "thank you for the secret"));
        }
    }
}

/// <summary>A small authority that signs over HTTPS as cfssl does: <c>POST /api/v1/cfssl/sign</c>.</summary>
internal sealed class SigningServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _signed;

    private SigningServer(WebApplication app, CertificateAuthority authority) => (_app, Authority) = (app, authority);

    public CertificateAuthority Authority { get; }

    public string Url => $"{_app.Urls.Single()}/api/v1/cfssl/sign";

    public int Signed => _signed;

    /// <summary>It signs for somebody else than was asked.</summary>
    public bool Lies { get; set; }

    /// <summary>It does not sign, and says why.</summary>
    public bool Refuses { get; set; }

    public static async Task<SigningServer> StartAsync(ClusterId cluster)
    {
        var authority = CertificateAuthority.Create(cluster, TimeProvider.System.GetUtcNow(), TimeSpan.FromDays(400));
        var identity = Servers.ServerIdentity(authority);
        SigningServer? server = null;
        var app = await Servers.StartAsync(identity, HttpProtocols.Http1, _ => { }, app => app.MapPost(
            "/api/v1/cfssl/sign", async (HttpContext call) => await server!.SignAsync(call)));
        return server = new SigningServer(app, authority);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        Authority.Dispose();
    }

    private async Task SignAsync(HttpContext call)
    {
        using var asked = await JsonDocument.ParseAsync(call.Request.Body);
        var subject = asked.RootElement.GetProperty("subject");
        var name = subject.GetProperty("names")[0];
        if (Refuses)
        {
            call.Response.StatusCode = StatusCodes.Status400BadRequest;
            await call.Response.WriteAsJsonAsync(new { success = false, result = (object?)null, errors = new[] { new { code = 5300, message = "policy says no" } } });
            return;
        }
        var pem = asked.RootElement.GetProperty("certificate_request").GetString()!;
        var request = SigningRequest.Read(Convert.FromBase64String(pem[PemEncoding.Find(pem).Base64Data]));
        var role = name.GetProperty("OU").GetString() == "manager" ? CertificateRole.Manager : CertificateRole.Worker;
        using var certificate = Authority.Sign(
            request, ClusterId.Parse(name.GetProperty("O").GetString()!), Lies ? CertificateRole.Manager : role,
            subject.GetProperty("CN").GetString()!, TimeProvider.System.GetUtcNow(), TimeSpan.FromHours(1));
        Interlocked.Increment(ref _signed);
        await call.Response.WriteAsJsonAsync(new { success = true, result = new { certificate = certificate.ExportCertificatePem() }, errors = Array.Empty<object>() });
    }
}

/// <summary>Small servers on loopback, over TLS.</summary>
internal static class Servers
{
    public static async Task<WebApplication> StartAsync(
        X509Certificate2 certificate, HttpProtocols protocols, Action<IServiceCollection> add, Action<WebApplication> map)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, endpoint =>
        {
            endpoint.Protocols = protocols;
            endpoint.UseHttps(new HttpsConnectionAdapterOptions { ServerCertificate = certificate });
        }));
        add(builder.Services);
        var app = builder.Build();
        map(app);
        await app.StartAsync();
        return app;
    }

    public static X509Certificate2 Identify(CertificateAuthority authority, ClusterId cluster, CertificateRole role, string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = authority.Sign(
            SigningRequest.Read(SigningRequest.Make(key, name)), cluster, role, name, TimeProvider.System.GetUtcNow(), TimeSpan.FromHours(1));
        return certificate.CopyWithPrivateKey(key);
    }

    /// <summary>A certificate of an ordinary HTTPS server on this host.</summary>
    public static X509Certificate2 ServerIdentity(CertificateAuthority authority)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var signer = ECDsa.Create();
        signer.ImportFromPem(authority.KeyPem);
        var request = new CertificateRequest("CN=signing server", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.Create(
            authority.Certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(signer), now.AddMinutes(-1), now.AddHours(1), RandomNumberGenerator.GetBytes(8));
        return certificate.CopyWithPrivateKey(key);
    }
}
