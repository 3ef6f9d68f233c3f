using Berth.Manager.Admin;
using Berth.Protocol.V1;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Manager.Admin;

public sealed class AdminPartsTests
{
    [Fact]
    public void A_call_goes_to_the_part_that_overrides_it()
    {
        var (tokens, clients) = (new Tokens(), new Clients());
        var parts = new AdminParts([tokens, clients]);

        Assert.Same(tokens, parts.For(nameof(ClusterAdmin.ClusterAdminBase.GetJoinToken)));
        Assert.Same(clients, parts.For(nameof(ClusterAdmin.ClusterAdminBase.ListClients)));
    }

    [Fact]
    public void A_call_that_no_part_answers_says_so()
    {
        var refusal = Assert.Throws<RpcException>(() => new AdminParts([new Tokens()]).For("Backup"));

        Assert.Equal(StatusCode.Unimplemented, refusal.StatusCode);
        Assert.Contains("Backup", refusal.Status.Detail);
    }

    [Fact]
    public void Two_parts_that_answer_the_same_call_are_refused_at_the_start() =>
        Assert.Throws<InvalidOperationException>(() => new AdminParts([new Tokens(), new Tokens()]));

    [Fact]
    public void The_service_passes_on_every_call_there_is()
    {
        var passedOn = typeof(ClusterAdminService).GetMethods().Where(method => method.DeclaringType == typeof(ClusterAdminService)).Select(method => method.Name);

        Assert.Equal(AdminParts.Calls.Order(), passedOn.Order());
    }

    [Fact]
    public async Task The_service_answers_with_what_the_part_says()
    {
        var service = new ClusterAdminService(new AdminParts([new Tokens()]), NullLogger<ClusterAdminService>.Instance);

        Assert.Equal("BERTH-1", (await service.GetJoinToken(new GetJoinTokenRequest(), null!)).Token);
    }

    private sealed class Tokens : ClusterAdmin.ClusterAdminBase
    {
        public override Task<JoinToken> GetJoinToken(GetJoinTokenRequest request, ServerCallContext context) =>
            Task.FromResult(new JoinToken { Token = "BERTH-1" });
    }

    private sealed class Clients : ClusterAdmin.ClusterAdminBase
    {
        public override Task<ListClientsResponse> ListClients(ListClientsRequest request, ServerCallContext context) =>
            Task.FromResult(new ListClientsResponse());
    }
}
