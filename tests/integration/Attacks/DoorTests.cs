using System.Security.Authentication;
using System.Security.Cryptography;
using Berth.Identity;
using Berth.Protocol.V1;
using Berth.Tests.Integration.Identity;
using Berth.Tests.Integration.Manager;
using Grpc.Core;
using CertificateRole = Berth.Identity.CertificateRole;
using JoinToken = Berth.Identity.JoinToken;
using NodeRole = Berth.Protocol.V1.NodeRole;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Attacks;

/// <summary>Every call there is, tried with every identity that may not make it. What was tried is in docs/security.md.</summary>
public sealed class DoorTests
{
    private const string Label = "com.docker.stack.namespace";

    // The table of who may make which call, as the unit tests hold it.
    private static string[] Table => File.ReadAllLines(Path.Combine(BerthProgram.Root, "tests/unit/Manager/Access/calls.txt"));

    [Theory]
    [InlineData("nobody", StatusCode.Unauthenticated)]
    [InlineData("agent", StatusCode.PermissionDenied)]
    [InlineData("manager", StatusCode.PermissionDenied)]
    [InlineData("viewer", StatusCode.PermissionDenied)]
    [InlineData("deployer", StatusCode.PermissionDenied)]
    [InlineData("removed node", StatusCode.PermissionDenied)]
    public async Task Every_call_that_is_not_for_a_caller_is_refused_and_written_down(string who, StatusCode code)
    {
        await using var manager = await ClusterManager.StartAsync();
        using var client = manager.Raw(await IdentityOfAsync(manager, who));
        // Who was removed is nobody, and may not even renew; what answers strangers answers it too.
        var forbidden = Table.Select(line => line.Split(": ")).Where(line => !MayMake(who, line[1])).Select(line => line[0])
            .Append(who == "removed node" ? "Enrollment/Renew" : "ClusterAdmin/NoSuchCall").ToList();
        Assert.InRange(forbidden.Count, 10, 60);

        foreach (var call in forbidden)
        {
            var status = await client.SendAsync($"/berth.v1.{call}", Attackers.Framed([]));
            Assert.True(status.StatusCode == code || (call, status.StatusCode) == ("Enrollment/Renew", StatusCode.InvalidArgument), $"{who} was answered {status} by {call}");
            Assert.DoesNotContain("   at ", status.Detail);
        }
        Assert.Equal(code, (await client.SendAsync("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", Attackers.Framed([]))).StatusCode);

        var refused = (await manager.AuditAsync()).Where(entry => entry.Outcome.StartsWith("refused: ", StringComparison.Ordinal)).Select(entry => entry.Call).ToHashSet();
        Assert.Superset(forbidden.Where(call => !call.StartsWith("Enrollment/", StringComparison.Ordinal)).ToHashSet(), refused);
    }

    [Fact]
    public async Task A_demoted_managers_certificate_opens_nothing_any_more()
    {
        await using var manager = await ClusterManager.StartAsync();
        var former = await manager.JoinAsync(await manager.TokenAsync(NodeRole.Manager), CertificateRole.Manager);
        using var client = manager.Raw(former.Tls);
        Assert.NotEqual(StatusCode.PermissionDenied, (await client.SendAsync("/berth.v1.PeerTalk/Greet", Attackers.Framed([]))).StatusCode);

        await manager.Admin.DemoteNodeAsync(new ChangeRoleRequest { Nodes = { former.Node.ToString() }, Force = true });
        foreach (var call in Table.Where(line => line.EndsWith(": manager", StringComparison.Ordinal)).Select(line => line.Split(": ")[0]))
            Assert.Equal(StatusCode.PermissionDenied, (await client.SendAsync($"/berth.v1.{call}", Attackers.Framed([]))).StatusCode);
        await RefusedAsync(StatusCode.PermissionDenied, "", () => manager.RenewAsync(former));
    }

    [Fact]
    public async Task A_deployer_changes_nothing_of_another_stack_by_any_call()
    {
        await using var manager = await ClusterManager.StartAsync();
        var root = manager.Process.Client;
        await root.DeployStackAsync(Specs.Deploy("blog", Specs.Service("blog_web")));
        await root.CreateServiceAsync(new CreateServiceRequest { Spec = Specs.Service("lone") });
        var blog = (await root.ListServicesAsync(new ListServicesRequest { Stack = "blog" })).Services.Single().Service;
        var control = new Control.ControlClient(manager.Dial((await manager.AdmitAsync("dan", "deployer", "shop")).ForClient(CertificateRole.Manager)));
        await control.DeployStackAsync(Specs.Deploy("shop", Specs.Service("shop_web")));
        var own = (await root.ListServicesAsync(new ListServicesRequest { Stack = "shop" })).Services.Single().Service;
        var moved = own.Spec.Clone();
        moved.Labels[Label] = "blog";
        var before = await root.GetInfoAsync(new GetInfoRequest());

        var tries = new Dictionary<string, Func<Task>>
        {
            ["deploying it"] = () => control.DeployStackAsync(Specs.Deploy("blog", Specs.Service("blog_web"))).ResponseAsync,
            ["removing it"] = () => control.RemoveStackAsync(new RemoveStackRequest { Name = "blog" }).ResponseAsync,
            ["creating one of its services"] = () => control.CreateServiceAsync(
                new CreateServiceRequest { Spec = Specs.Service("x", spec => spec.Labels[Label] = "blog") }).ResponseAsync,
            ["creating one of no stack"] = () => control.CreateServiceAsync(new CreateServiceRequest { Spec = Specs.Service("x") }).ResponseAsync,
            ["updating one of its services"] = () => control.UpdateServiceAsync(
                new UpdateServiceRequest { Id = blog.Id, Version = blog.Version, Spec = blog.Spec }).ResponseAsync,
            ["taking one of its services"] = () => control.UpdateServiceAsync(new UpdateServiceRequest
            {
                Id = "blog_web", Version = blog.Version, Spec = Specs.Service("blog_web", spec => spec.Labels[Label] = "shop"),
            }).ResponseAsync,
            ["giving it a service"] = () => control.UpdateServiceAsync(new UpdateServiceRequest { Id = own.Id, Version = own.Version, Spec = moved }).ResponseAsync,
            ["scaling, among its own"] = () => control.ScaleServicesAsync(new ScaleServicesRequest
            {
                Scales = { new[] { "shop_web", blog.Id[..8] }.Select(service => new ScaleServicesRequest.Types.Scale { Service = service, Replicas = 3 }) },
            }).ResponseAsync,
            ["scaling one of no stack"] = () => control.ScaleServicesAsync(new ScaleServicesRequest
            {
                Scales = { new ScaleServicesRequest.Types.Scale { Service = "lone", Replicas = 0 } },
            }).ResponseAsync,
            ["rolling back"] = () => control.RollbackServiceAsync(new RollbackServiceRequest { Service = "blog_web" }).ResponseAsync,
            ["removing, among its own"] = () => control.RemoveServicesAsync(new RemoveServicesRequest { Services = { "shop_web", "blog_web" } }).ResponseAsync,
            ["running a command in it"] = async () =>
            {
                using var exec = control.Exec();
                await exec.RequestStream.WriteAsync(new ExecInput { Start = new ExecStart { Task = "blog_web.1", Command = { "id" } } });
                await exec.ResponseStream.MoveNext(CancellationToken.None);
            },
        };
        foreach (var (what, call) in tries)
        {
            var refused = await Assert.ThrowsAsync<RpcException>(call);
            Assert.True(refused.StatusCode == StatusCode.PermissionDenied, $"{what}: {refused.Status}");
        }
        var after = await root.GetInfoAsync(new GetInfoRequest());
        Assert.Equal(before.Version, after.Version);
    }

    [Fact]
    public async Task Tokens_of_another_cluster_and_half_true_ones_are_worth_nothing()
    {
        await using var manager = await ClusterManager.StartAsync();
        await using var elsewhere = await ClusterManager.StartAsync();
        var (own, foreign) = (await manager.TokenAsync(), await elsewhere.TokenAsync());
        // It names another authority: the host that has it does not even show it.
        await Assert.ThrowsAsync<AuthenticationException>(() => manager.JoinAsync(foreign));
        Assert.DoesNotContain(await manager.AuditAsync(), entry => entry.Call == "Enrollment/Enroll");

        var half = WithSecret(own, foreign.Secret);
        await RefusedAsync(StatusCode.PermissionDenied, "worth nothing", () => manager.JoinAsync(half));
        for (var attempt = 0; attempt < 20; attempt++)
        {
            var guess = WithSecret(own, RandomNumberGenerator.GetBytes(JoinToken.SecretBytes));
            var refused = await Assert.ThrowsAsync<RpcException>(() => manager.JoinAsync(guess));
            Assert.True(refused.StatusCode is StatusCode.PermissionDenied or StatusCode.ResourceExhausted, $"{refused.Status}");
        }
        // Who tries keeps nobody out who has the right one, and one that was rotated is a guess like any other.
        await manager.JoinAsync(own);
        var rotated = await manager.TokenAsync(rotate: true);
        await Assert.ThrowsAsync<RpcException>(() => manager.JoinAsync(own));
        await manager.JoinAsync(rotated);

        var written = await manager.AuditAsync();
        Assert.Contains(written, entry => entry.Call == "Enrollment/Enroll" && entry.Outcome.StartsWith("refused: PermissionDenied", StringComparison.Ordinal));
        var log = File.ReadAllText(Path.Combine(manager.Process.DataDirectory, "audit.log")) + manager.Process.Said;
        foreach (var token in new[] { own, foreign, rotated })
            Assert.DoesNotContain(token.Format()[^52..], log);
    }

    // The authority that one token names, and another secret.
    private static JoinToken WithSecret(JoinToken token, ReadOnlySpan<byte> secret) =>
        JoinToken.Parse(token.Format()[..^52] + new JoinToken(new byte[32], secret).Format()[^52..]);

    private static bool MayMake(string who, string row) => row.Replace(" (audited)", "", StringComparison.Ordinal).Split(", ").Contains(who == "removed node" ? "nobody" : who);

    private static async Task<TlsIdentity> IdentityOfAsync(ClusterManager manager, string who)
    {
        switch (who)
        {
            case "nobody":
                return await manager.StrangerAsync();
            case "agent":
                return (await manager.JoinAsync(await manager.TokenAsync())).Tls;
            case "manager":
                return (await manager.JoinAsync(await manager.TokenAsync(NodeRole.Manager), CertificateRole.Manager)).Tls;
            case "removed node":
                var node = await manager.JoinAsync(await manager.TokenAsync());
                await manager.Admin.RemoveNodeAsync(new RemoveNodeRequest { Nodes = { node.Node.ToString() }, Force = true });
                return node.Tls;
            default:
                return await manager.AdmitAsync("eve", who, who == "deployer" ? ["shop"] : []);
        }
    }

    private static async Task RefusedAsync(StatusCode code, string says, Func<Task> call)
    {
        var refused = await Assert.ThrowsAsync<RpcException>(call);
        Assert.True(refused.StatusCode == code && refused.Status.Detail.Contains(says, StringComparison.Ordinal), $"{refused.Status}");
    }
}
