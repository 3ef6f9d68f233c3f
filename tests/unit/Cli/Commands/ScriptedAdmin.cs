using Berth.Protocol.V1;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Berth.Tests.Cli.Client.Contexts;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Cli.Commands;

/// <summary>The administrators' service on a unix socket, saying what a test tells it to: connection and streams are real.</summary>
internal sealed class ScriptedAdmin : ClusterAdmin.ClusterAdminBase, IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-cli-").FullName;
    private WebApplication? _host;

    public string Address => $"unix://{_folder}/manager.sock";

    /// <summary>Told one after the other; the last again and again.</summary>
    public List<ClusterStatus> Statuses { get; } = [new ClusterStatus()];

    public List<object> Requests { get; } = [];

    public List<Berth.Protocol.V1.Client> Clients { get; } = [];

    public List<AuditEntry> Audit { get; } = [];

    public TestAuthority Authority { get; } = new();

    public string UnlockKey { get; set; } = "KEY-1";

    public async Task<ScriptedAdmin> Start()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket($"{_folder}/manager.sock", listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(this);
        _host = builder.Build();
        _host.MapGrpcService<ScriptedAdmin>();
        await _host.StartAsync();
        return this;
    }

    public override Task<ClusterStatus> GetCluster(GetClusterRequest request, ServerCallContext context) => Task.FromResult(Status());

    public override Task<ClusterStatus> UpdateCluster(UpdateClusterRequest request, ServerCallContext context) => Told(request, Statuses[0]);

    public override Task<JoinToken> GetJoinToken(GetJoinTokenRequest request, ServerCallContext context) =>
        Told(request, new JoinToken { Token = $"BERTH-1-digest-{request.Role}", Managers = { "https://10.0.0.1:2400", "https://10.0.0.2:2500" } });

    public override Task<ClusterStatus> RotateAuthority(RotateAuthorityRequest request, ServerCallContext context) => Told(request, Status());

    public override Task<UnlockKey> GetUnlockKey(GetUnlockKeyRequest request, ServerCallContext context) => Told(request, new UnlockKey { Key = UnlockKey });

    public override Task<RotateDataKeysResponse> RotateDataKeys(RotateDataKeysRequest request, ServerCallContext context) =>
        Told(request, new RotateDataKeysResponse { KeyId = "0a1b2c3d" });

    public override Task<UnlockResponse> Unlock(UnlockRequest request, ServerCallContext context) => Told(request, new UnlockResponse());

    public override async Task Backup(BackupRequest request, IServerStreamWriter<BackupChunk> responseStream, ServerCallContext context)
    {
        Requests.Add(request);
        await responseStream.WriteAsync(new BackupChunk { Data = ByteString.CopyFromUtf8("one") });
        await responseStream.WriteAsync(new BackupChunk { Data = ByteString.CopyFromUtf8("two") });
    }

    public override async Task MigrateStore(MigrateStoreRequest request, IServerStreamWriter<MigrateProgress> responseStream, ServerCallContext context)
    {
        Requests.Add(request);
        await responseStream.WriteAsync(new MigrateProgress { Message = "copying" });
        await responseStream.WriteAsync(new MigrateProgress { Message = "moved", Done = request.Store == "etcd" });
    }

    public override Task<ClientCertificate> CreateClient(CreateClientRequest request, ServerCallContext context) => Told(request, new ClientCertificate
    {
        CertificatePem = Authority.Sign(request.SigningRequest.ToByteArray(), request.Name),
        AuthorityPem = Authority.Pem,
        Managers = { "https://10.0.0.1:2400" },
    });

    public override Task<ListClientsResponse> ListClients(ListClientsRequest request, ServerCallContext context) => Task.FromResult(new ListClientsResponse { Clients = { Clients } });

    public override Task<RemoveClientResponse> RemoveClient(RemoveClientRequest request, ServerCallContext context) => request.Name == "nobody"
        ? throw new RpcException(new Status(StatusCode.PermissionDenied, "client 'bob' is a viewer, and this needs an admin"))
        : Told(request, new RemoveClientResponse());

    public override async Task ReadAudit(ReadAuditRequest request, IServerStreamWriter<AuditEntry> responseStream, ServerCallContext context)
    {
        Requests.Add(request);
        foreach (var entry in Audit)
            await responseStream.WriteAsync(entry);
    }

    public override Task<NodeSummary> PromoteNode(ChangeRoleRequest request, ServerCallContext context) => Told(request, Node(request.Nodes.Single()));

    public override Task<NodeSummary> DemoteNode(ChangeRoleRequest request, ServerCallContext context) => Told(request, Node(request.Nodes.Single()));

    public override Task<RemoveNodeResponse> RemoveNode(RemoveNodeRequest request, ServerCallContext context) => Told(request, new RemoveNodeResponse());

    public override Task<NodeSummary> ApproveNode(ApproveNodeRequest request, ServerCallContext context) => Told(request, Node(request.Node));

    public async ValueTask DisposeAsync()
    {
        if (_host is not null)
            await _host.DisposeAsync();
        Authority.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static NodeSummary Node(string name) => new() { Node = new Node { Id = name + "-id", Description = new NodeDescription { Hostname = name } } };

    private ClusterStatus Status()
    {
        var status = Statuses[0];
        if (Statuses.Count > 1)
            Statuses.RemoveAt(0);
        return status;
    }

    private Task<T> Told<T>(object request, T answer)
    {
        Requests.Add(request);
        return Task.FromResult(answer);
    }
}
