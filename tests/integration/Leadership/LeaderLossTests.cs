using Berth.Protocol.V1;
using Berth.Tests.Integration.Manager;
using Grpc.Core;
using Xunit.Abstractions;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Leadership;

/// <summary>Three real managers lose the one that leads, in every way a process can be lost.</summary>
public sealed class LeaderLossTests(ITestOutputHelper output)
{
    [SkippableTheory]
    [InlineData("KILL")]
    [InlineData("TERM")]
    public async Task Every_acknowledged_write_outlives_the_leader_and_the_rest_go_on(string signal)
    {
        await using var managers = await Managers.StartNewAsync();
        await using var writer = new Writer(managers);
        await writer.MoreAsync(20, managers);
        var leader = await managers.LeaderAsync();

        await leader.SignalAsync(signal);
        Assert.Equal(signal == "TERM" ? 0 : 137, await leader.ExitedAsync());
        await writer.MoreAsync(20, managers);
        output.WriteLine($"{signal}: {writer.Acknowledged.Count} acknowledged, longest gap {writer.LongestGap.TotalMilliseconds:0} ms");

        foreach (var survivor in managers.Besides(leader))
            await managers.ShowsAsync(survivor, writer.Acknowledged);
        Assert.Equal(2, (await (await managers.LeaderAsync(besides: leader)).Client.GetInfoAsync(new GetInfoRequest())).Epoch);

        // As its supervisor does.
        await leader.StartAsync();
        await managers.ShowsAsync(leader, writer.Acknowledged);
    }

    [SkippableFact]
    public async Task A_leader_that_was_stopped_and_goes_on_acknowledges_nothing_and_ends()
    {
        await using var managers = await Managers.StartNewAsync();
        await using var writer = new Writer(managers);
        await writer.MoreAsync(5, managers);
        var stale = await managers.LeaderAsync();

        await stale.SignalAsync("STOP");
        var write = stale.Client.CreateServiceAsync(new CreateServiceRequest { Spec = Specs.Service("from-a-stale-leader") }, deadline: CallDeadline.In(60)).ResponseAsync;
        var refusal = stale.Client.RemoveServicesAsync(new RemoveServicesRequest { Services = { "unknown" } }, deadline: CallDeadline.In(60)).ResponseAsync;
        await managers.LeaderAsync(besides: stale);
        await writer.MoreAsync(5, managers);
        await stale.SignalAsync("CONT");

        Assert.Equal(75, await stale.ExitedAsync());
        Assert.Contains("no longer leads", stale.Said);
        Assert.NotEqual(StatusCode.OK, await CodeAsync(write));
        Assert.NotEqual(StatusCode.NotFound, await CodeAsync(refusal));
        foreach (var survivor in managers.Besides(stale))
            await managers.ShowsAsync(survivor, writer.Acknowledged);

        await stale.StartAsync();
        await managers.ShowsAsync(stale, writer.Acknowledged);
    }

    [SkippableFact]
    public async Task Reads_through_survivors_do_not_fail_while_nobody_leads()
    {
        await using var managers = await Managers.StartNewAsync();
        await using var writer = new Writer(managers);
        await writer.MoreAsync(5, managers);
        var leader = await managers.LeaderAsync();
        var known = writer.Acknowledged;
        foreach (var survivor in managers.Besides(leader))
            await managers.ShowsAsync(survivor, known);

        await leader.KillAsync();
        var before = writer.Acknowledged.Count;
        while (writer.Acknowledged.Count < before + 5)
        {
            foreach (var survivor in managers.Besides(leader))
            {
                var services = await survivor.Client.ListServicesAsync(new ListServicesRequest(), deadline: CallDeadline.In(10));
                Assert.Superset(known.ToHashSet(), services.Services.Select(service => service.Service.Spec.Name).ToHashSet());
            }
        }
    }

    private static async Task<StatusCode> CodeAsync<T>(Task<T> call)
    {
        try
        {
            await call;
            return StatusCode.OK;
        }
        catch (RpcException error)
        {
            return error.StatusCode;
        }
    }
}
