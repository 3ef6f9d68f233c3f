using Berth.Manager.Access;
using Berth.Manager.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Tests.Manager.Access;

public sealed class GatekeeperTests : IDisposable
{
    private const string Enroll = "/berth.v1.Enrollment/Enroll";
    private const string Deploy = "/berth.v1.Control/DeployStack";
    private const int Often = 1_000;

    private static readonly Caller Stranger = new(CallerKind.Anonymous, "", "10.0.0.9:4711");
    private static readonly Caller Root = new(CallerKind.LocalRoot, "root on 'berth1'", "unix:///run/berth/manager.sock");
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("berth-gate-");

    [Fact]
    public async Task Strangers_who_knock_with_wrong_tokens_do_not_push_others_out()
    {
        await using var log = await StartAsync();
        var gate = GateOf(log);
        await gate.DoneAsync(Deploy, Root, "stack 'shop'", AuditRecord.Done);
        for (var number = 0; number < Often; number++)
            await gate.FailedAsync(Enroll, CallRules.Of(Enroll)!, Stranger, "node 1", "refused: the join token is worth nothing");

        Assert.InRange(log.Newest(0).Count, RefusalBudget.Most + 1, (3 * RefusalBudget.Most) + 4);
        Assert.Contains(log.Newest(0), line => line.Subject == "stack 'shop'");
    }

    [Fact]
    public async Task Every_failure_of_somebody_who_is_known_is_written()
    {
        await using var log = await StartAsync();
        var gate = GateOf(log);
        await Task.WhenAll(Enumerable.Range(0, Often).Select(number => gate.FailedAsync(Deploy, CallRules.Of(Deploy)!, Root, $"{number}", "refused: no")));

        Assert.Equal(Often, log.Newest(0).Count);
    }

    public void Dispose() => _home.Delete(recursive: true);

    private static Gatekeeper GateOf(AuditLog log) => new(
        new Callers("berth1", trustsOpenNetwork: false), new ClusterView(), log, TimeProvider.System, new AuditPlace("berth1"), NullLogger<Gatekeeper>.Instance);

    private async Task<AuditLog> StartAsync()
    {
        var log = new AuditLog(new AuditFile(_home.FullName), TimeProvider.System, NullLogger<AuditLog>.Instance);
        await log.StartAsync(CancellationToken.None);
        return log;
    }
}
