using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Berth.Identity;
using Berth.Model;
using Berth.Protocol.V1;
using Berth.Tests.Integration.Manager;
using Google.Protobuf;
using Grpc.Net.Client;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Access;

/// <summary>A real manager of a cluster of its own, which answers over TLS on a port of the loopback.</summary>
internal sealed class NetworkManager : IAsyncDisposable
{
    private NetworkManager(ManagerProcess process, IPEndPoint address) => (Process, Address) = (process, address);

    public ManagerProcess Process { get; }

    public IPEndPoint Address { get; }

    public ClusterAdmin.ClusterAdminClient Admin => new(Process.Channel);

    public static async Task<NetworkManager> StartAsync()
    {
        var process = new ManagerProcess();
        try
        {
            using (var probe = new TcpListener(IPAddress.Loopback, 0))
            {
                probe.Start();
                var address = (IPEndPoint)probe.LocalEndpoint;
                probe.Stop();
                Directory.CreateDirectory(process.DataDirectory);
                new ManagerFile { NodeId = new NodeId(IdSource.Random.Next()), Hostname = "berth1", Advertise = address }.Save(process.DataDirectory);
                await process.StartAsync();
                return new NetworkManager(process, address);
            }
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    /// <summary>Admits a client and gives it its identity.</summary>
    public async Task<ProcessIdentity> AdmitAsync(string name, string role, params string[] stacks)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var admitted = await Admin.CreateClientAsync(new CreateClientRequest
        {
            Name = name, Role = role, Stacks = { stacks }, SigningRequest = ByteString.CopyFrom(SigningRequest.Make(key, name)),
        });
        Assert.Equal([$"https://{Address}"], admitted.Managers);
        return ProcessIdentity.Read(admitted.CertificatePem, key.ExportPkcs8PrivateKeyPem(), admitted.AuthorityPem);
    }

    /// <summary>A connection that shows the identity's certificate.</summary>
    public GrpcChannel Connect(TlsIdentity identity) => GrpcChannel.ForAddress($"https://{Address}", new GrpcChannelOptions
    {
        HttpHandler = new SocketsHttpHandler { SslOptions = identity.ForClient(CertificateRole.Manager), UseProxy = false },
        DisposeHttpClient = true,
    });

    public GrpcChannel Connect(ProcessIdentity identity) => Connect(new TlsIdentity(identity, TimeProvider.System));

    /// <summary>A connection of somebody without a certificate, who trusts the cluster.</summary>
    public GrpcChannel ConnectNobody(ProcessIdentity trusting) => Connect(TlsIdentity.WithoutCertificate(trusting.Roots, null, TimeProvider.System));

    public async Task<List<AuditEntry>> AuditAsync()
    {
        using var call = Admin.ReadAudit(new ReadAuditRequest());
        var entries = new List<AuditEntry>();
        while (await call.ResponseStream.MoveNext(CancellationToken.None))
            entries.Add(call.ResponseStream.Current);
        return entries;
    }

    public ValueTask DisposeAsync() => Process.DisposeAsync();
}
