using Berth.Protocol.V1;
using Berth.Tests.Integration.Agent;
using Berth.Tests.Integration.Leadership;
using Berth.Tests.Integration.Manager;
using Grpc.Core;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Observability;

/// <summary>Three real managers: what is said of a call that a standby passes on.</summary>
public sealed class ForwardedTraceTests
{
    private const string Trace = "0af7651916cd43dd8448eb211c80319c";
    private const string Caller = "b7ad6b7169203331";

    [Fact]
    public async Task A_trace_goes_through_a_standby_to_the_leader_and_files_come_from_all()
    {
        await using var collector = await TraceCollector.StartAsync();
        await using var managers = await Leadership.Managers.StartNewAsync(
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address.ToString()), ("OTEL_BSP_SCHEDULE_DELAY", "200"));
        var leader = await managers.LeaderAsync();
        var standby = managers.Besides(leader).First();

        await standby.Client.CreateServiceAsync(
            new CreateServiceRequest { Spec = Specs.Service("web") }, new Metadata { { "traceparent", $"00-{Trace}-{Caller}-01" } }, CallDeadline.In(60));

        ReceivedSpan[] Calls() => [.. collector.Spans.Where(span => span.Name == "/berth.v1.Control/CreateService")];
        await Wait.UntilAsync(
            "both managers and the store are in the trace",
            () => Task.FromResult(Calls().Length == 2 && collector.Spans.Any(span => span.Name == "store append")), () => $"{collector}\n{managers.Said}");
        Assert.All(collector.Spans, span => Assert.Equal(Trace, span.Trace));
        var atStandby = Assert.Single(Calls(), span => span.Parent == Caller);
        var atLeader = Assert.Single(Calls(), span => span.Parent == atStandby.Id);
        Assert.Contains(collector.Spans, span => span.Name == "store append" && span.Parent == atLeader.Id);

        var parts = new List<DebugPart>();
        using var call = new ClusterAdmin.ClusterAdminClient(standby.Channel).CollectDebug(new CollectDebugRequest(), deadline: CallDeadline.In(60));
        await foreach (var part in call.ResponseStream.ReadAllAsync())
            parts.Add(part);
        Assert.Equal(
            ["managers/berth1", "managers/berth2", "managers/berth3"],
            parts.Where(part => part is { Name: "log.txt", Content.Length: > 0 }).Select(part => part.Source).Distinct().Order(StringComparer.Ordinal));
        // No agent runs on these hosts, and that is said.
        Assert.Equal(3, parts.Count(part => part.Source.StartsWith("agents/", StringComparison.Ordinal) && part.Problem.Contains("is connected to none of the 3 managers")));
    }
}
