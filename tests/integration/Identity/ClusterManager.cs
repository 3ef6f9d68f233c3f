using System.Net.Security;
using System.Security.Cryptography;
using Berth.Identity;
using Berth.Model;
using Berth.Protocol.V1;
using Berth.Protocol;
using Berth.Tests.Integration.Manager;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using CertificateRole = Berth.Identity.CertificateRole;
using JoinToken = Berth.Identity.JoinToken;
using NodeDescription = Berth.Protocol.V1.NodeDescription;
using NodeRole = Berth.Protocol.V1.NodeRole;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Identity;

/// <summary>A real manager of a cluster, answering TLS on a loopback address of its own.</summary>
public sealed class ClusterManager : IAsyncDisposable
{
    private static int _addresses;
    private readonly List<GrpcChannel> _channels = [];

    private ClusterManager(ManagerProcess process, ManagerFile file) => (Process, File) = (process, file);

    public ManagerProcess Process { get; }

    public string Address => File.Advertise.Address.ToString();

    private ManagerFile File { get; set; }

    public string Url => $"https://{Address}:2400";

    /// <summary>Administrators' calls, over the local socket.</summary>
    public ClusterAdmin.ClusterAdminClient Admin => new(Process.Channel);

    /// <param name="variables">Environment variables it is started with.</param>
    public static async Task<ClusterManager> StartAsync(params IReadOnlyList<(string Name, string Value)> variables)
    {
        var file = new ManagerFile
        {
            NodeId = NewNode(),
            Hostname = "first",
            Advertise = NewAddress(),
        };
        return new ClusterManager(await ManagerProcess.StartNewAsync(file.Format(), variables), file);
    }

    /// <summary>Its host gets another address; it is stopped and started there.</summary>
    public async Task MoveAsync()
    {
        await Process.StopAsync();
        File = File with { Advertise = NewAddress() };
        File.Save(Process.DataDirectory);
        await Process.StartAsync();
    }

    /// <summary>All nodes.</summary>
    public async Task<IReadOnlyList<Protocol.V1.Node>> NodesAsync() => [.. (await Process.Client.ListNodesAsync(new ListNodesRequest())).Nodes.Select(node => node.Node)];

    // Of 127/8 every address is this host's; processes that test at the same time have different ids.
    private static System.Net.IPEndPoint NewAddress() => new(
        System.Net.IPAddress.Parse($"127.{100 + Environment.ProcessId % 100}.{Environment.ProcessId / 100 % 250}.{Interlocked.Increment(ref _addresses)}"), ManagerFile.DefaultPort);

    public static NodeId NewNode() => new(IdSource.Random.Next());

    /// <summary>The present token of a role.</summary>
    public async Task<JoinToken> TokenAsync(NodeRole role = NodeRole.Worker, bool rotate = false) =>
        JoinToken.Parse((await Admin.GetJoinTokenAsync(new GetJoinTokenRequest { Role = role, Rotate = rotate })).Token);

    /// <summary>A channel with these options of TLS; closed with the manager.</summary>
    public GrpcChannel Dial(SslClientAuthenticationOptions options)
    {
        var channel = GrpcChannel.ForAddress(Url, new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler { SslOptions = options, UseProxy = false },
            DisposeHttpClient = true,
        });
        lock (_channels)
            _channels.Add(channel);
        return channel;
    }

    /// <summary>A channel as some member.</summary>
    public GrpcChannel Dial(Member member) => Dial(member.Tls.ForClient(CertificateRole.Manager));

    /// <summary>Joins as an agent or manager does.</summary>
    public async Task<Member> JoinAsync(JoinToken token, CertificateRole role = CertificateRole.Worker, NodeId? node = null, ECDsa? key = null)
    {
        var id = node ?? NewNode();
        key ??= ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var identity = await Joining.JoinAsync(
            token, new Joiner(id, $"host-{id.ToString()[..6]}", "127.0.0.1", role), key, options => Dial(options).CreateCallInvoker(),
            TimeProvider.System, CancellationToken.None);
        return new Member(id, key, Read(identity, key));
    }

    /// <summary>Renews as an agent does: the certificate of the connection, the same key, what it trusts.</summary>
    public async Task RenewAsync(Member member)
    {
        var answer = await new Enrollment.EnrollmentClient(Dial(member)).RenewAsync(new RenewRequest
        {
            SigningRequest = ByteString.CopyFrom(SigningRequest.Make(member.Key, member.Node.ToString())),
            Trusted = { member.Tls.Roots.Select(JoinToken.DigestOf) },
        });
        member.Tls.Swap(Read(answer, member.Key));
    }

    /// <summary>Opens a session and waits until it is accepted.</summary>
    public async Task<AsyncDuplexStreamingCall<AgentMessage, ManagerMessage>> SessionAsync(Member member, NodeId? claimed = null)
    {
        var session = new Dispatcher.DispatcherClient(Dial(member)).Session();
        await session.RequestStream.WriteAsync(new AgentMessage
        {
            Register = new Register { NodeId = (claimed ?? member.Node).ToString(), Description = new NodeDescription { Hostname = "agent", Address = "127.0.0.1" }, Level = ReleaseLevel.Own },
        });
        Assert.True(await session.ResponseStream.MoveNext(CancellationToken.None));
        Assert.NotNull(session.ResponseStream.Current.Registered);
        return session;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var channel in _channels)
            channel.Dispose();
        await Process.DisposeAsync();
    }

    private static ProcessIdentity Read(Protocol.V1.Identity identity, ECDsa key) =>
        ProcessIdentity.Read(identity.CertificatePem, key.ExportPkcs8PrivateKeyPem(), identity.AuthorityPem);
}

/// <summary>A node that has joined.</summary>
public sealed record Member(NodeId Node, ECDsa Key, ProcessIdentity First)
{
    public TlsIdentity Tls { get; } = new(First, TimeProvider.System);
}
