using System.Net;
using Berth.Identity;
using Berth.Protocol.V1;
using Berth.Tests.Integration.Identity;
using Berth.Tests.Integration.Manager;
using Grpc.Core;
using Grpc.Net.Client;
using CertificateRole = Berth.Identity.CertificateRole;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Access;

/// <summary>A backup of several managers, restored on a new host.</summary>
public sealed class RestoreTests
{
    private const string Passphrase = "correct horse battery";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Managers_of_the_backup_are_none_where_it_is_restored()
    {
        await using var first = await ClusterManager.StartAsync();
        var former = await first.JoinAsync(await first.TokenAsync(NodeRole.Manager), CertificateRole.Manager);
        var worker = await first.JoinAsync(await first.TokenAsync());
        Assert.Equal(2, (await first.NodesAsync()).Count(node => node.Spec.Role == NodeRole.Manager));
        var backup = Path.Combine(first.Process.DataDirectory, "backup");
        await using (var written = File.Create(backup))
        {
            using var call = first.Admin.Backup(new BackupRequest { Passphrase = Passphrase });
            await foreach (var chunk in call.ResponseStream.ReadAllAsync())
                chunk.Data.WriteTo(written);
        }
        await first.Process.KillAsync();

        await using var restored = new ManagerProcess();
        var done = await ManagerProcess.RunAsync(Passphrase, "restore", backup, "--data", restored.DataDirectory);
        Assert.True(done.ExitCode == 0, done.Errors);
        var place = new ManagerFile { NodeId = ClusterManager.NewNode(), Hostname = "restored", Advertise = new IPEndPoint(IPAddress.Loopback, Members.ClusterManager.FreePorts()) };
        place.Save(restored.DataDirectory);
        await restored.StartAsync();

        using var deadline = new CancellationTokenSource(Deadline);
        while (await ManagersAsync(restored) is not [var only] || only != place.NodeId.ToString())
            await Task.Delay(100, deadline.Token);
        // A worker's certificate is good here as before; a former manager's opens nothing, and it gets no other.
        var nodes = (await restored.Client.ListNodesAsync(new ListNodesRequest())).Nodes.ToDictionary(node => node.Node.Id, node => node.Node.Spec.Role);
        Assert.Equal((NodeRole.Worker, NodeRole.Worker), (nodes[former.Node.ToString()], nodes[worker.Node.ToString()]));
        using var channel = Dial(place, former);
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await new Protocol.V1.Members.MembersClient(channel).GetStoreAsync(
            new GetStoreRequest { NodeId = former.Node.ToString(), Address = "127.0.0.1:2400" }));
        Assert.Equal(StatusCode.PermissionDenied, refused.StatusCode);
        var renewal = new RenewRequest { SigningRequest = Google.Protobuf.ByteString.CopyFrom(SigningRequest.Make(former.Key, former.Node.ToString())) };
        Assert.Equal(StatusCode.PermissionDenied, (await Assert.ThrowsAsync<RpcException>(async () => await new Enrollment.EnrollmentClient(channel).RenewAsync(renewal))).StatusCode);

        // Nor after a restart: it is written down.
        await restored.StopAsync();
        await restored.StartAsync();
        Assert.Equal([place.NodeId.ToString()], await ManagersAsync(restored));
        Assert.False(File.Exists(Path.Combine(restored.DataDirectory, "recovered")));
    }

    private static async Task<List<string>> ManagersAsync(ManagerProcess manager) =>
        [.. (await manager.Client.ListNodesAsync(new ListNodesRequest())).Nodes.Where(node => node.Node.Spec.Role == NodeRole.Manager).Select(node => node.Node.Id)];

    private static GrpcChannel Dial(ManagerFile place, Member member) => GrpcChannel.ForAddress(place.Url, new GrpcChannelOptions
    {
        HttpHandler = new SocketsHttpHandler { SslOptions = member.Tls.ForClient(CertificateRole.Manager), UseProxy = false },
        DisposeHttpClient = true,
    });
}
