using System.Net.Sockets;
using System.Runtime.Versioning;
using Berth.Protocol.V1;
using Grpc.Core;
using Grpc.Health.V1;
using static Berth.Tests.Integration.Manager.Specs;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Manager;

/// <summary>A real manager process alone: what it promises without any node.</summary>
public sealed class ManagerTests
{
    [Fact]
    public async Task Serves_health_and_says_who_it_is()
    {
        await using var manager = await ManagerProcess.StartNewAsync();
        var health = await new Health.HealthClient(manager.Channel).CheckAsync(new HealthCheckRequest());
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, health.Status);

        var info = await manager.Client.GetInfoAsync(new GetInfoRequest());
        Assert.Equal(25, info.ClusterId.Length);
        Assert.Equal(manager.DataDirectory, info.DataDirectory);
        Assert.Contains(info.ListeningOn, address => address.Contains(manager.Socket, StringComparison.Ordinal));
        Assert.NotEmpty(info.ManagerVersion);
    }

    [Fact]
    public async Task Deploying_the_same_stack_again_changes_nothing()
    {
        await using var manager = await ManagerProcess.StartNewAsync();
        var stack = Deploy("shop", Service("shop_web"), Service("shop_db"));
        var first = await manager.Client.DeployStackAsync(stack);
        Assert.All(first.Services, service => Assert.Equal(ServiceChange.Types.Kind.Created, service.Kind));

        var second = await manager.Client.DeployStackAsync(stack);
        Assert.All(second.Services, service => Assert.Equal(ServiceChange.Types.Kind.Unchanged, service.Kind));
        Assert.Equal(first.Services.Select(service => service.Id), second.Services.Select(service => service.Id));
        Assert.Equal(first.Stack, second.Stack);
        Assert.Equal(first.Version, (await manager.Client.GetInfoAsync(new GetInfoRequest())).Version);
    }

    [Fact]
    public async Task Deploying_less_removes_the_rest_in_the_same_commit()
    {
        await using var manager = await ManagerProcess.StartNewAsync();
        await manager.Client.DeployStackAsync(Deploy("shop", Service("shop_web"), Service("shop_db")));
        var deployed = await manager.Client.DeployStackAsync(Deploy("shop", Service("shop_web")));
        Assert.Equal(
            [("shop_web", ServiceChange.Types.Kind.Unchanged), ("shop_db", ServiceChange.Types.Kind.Removed)],
            deployed.Services.Select(service => (service.Name, service.Kind)));

        var progress = manager.Client.FollowServices(new FollowServicesRequest { Services = { deployed.Services[1].Id } });
        Assert.True(await progress.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(ServiceProgress.Types.Verdict.Removed, progress.ResponseStream.Current.Services[0].Verdict);
    }

    [Fact]
    public async Task What_happens_is_told_to_who_watches()
    {
        await using var manager = await ManagerProcess.StartNewAsync();
        using var deadline = new CancellationTokenSource(ManagerProcess.Deadline);
        using var watching = manager.Client.WatchEvents(new WatchEventsRequest(), cancellationToken: deadline.Token);
        await watching.ResponseHeadersAsync;

        await manager.Client.DeployStackAsync(Deploy("shop", Service("shop_web")));
        await manager.Client.RemoveStackAsync(new RemoveStackRequest { Name = "shop" });
        foreach (var expected in new[] { ("stack", "create", "shop"), ("service", "create", "shop_web"), ("stack", "remove", "shop") })
        {
            Assert.True(await watching.ResponseStream.MoveNext(deadline.Token));
            var told = watching.ResponseStream.Current;
            Assert.Equal(expected, (told.Type, told.Action, told.Name));
        }
    }

    [Fact]
    public async Task Whatever_was_acknowledged_before_a_kill_is_there_afterwards()
    {
        await using var manager = await ManagerProcess.StartNewAsync();
        var acknowledged = new Dictionary<string, Service>();
        for (var round = 0; round < 4; round++)
        {
            var cluster = (await manager.Client.GetInfoAsync(new GetInfoRequest())).ClusterId;
            var creating = CreateUntilKilledAsync(manager.Client, round, acknowledged);
            await Task.Delay(200 * round);
            await manager.KillAsync();
            await creating;

            await manager.StartAsync();
            Assert.Equal(cluster, (await manager.Client.GetInfoAsync(new GetInfoRequest())).ClusterId);
            var services = (await manager.Client.ListServicesAsync(new ListServicesRequest())).Services
                .ToDictionary(summary => summary.Service.Spec.Name, summary => summary.Service);
            foreach (var (name, service) in acknowledged)
                Assert.Equal(service, services.GetValueOrDefault(name));
        }
        Assert.NotEmpty(acknowledged);
    }

    [Fact]
    public async Task A_second_manager_on_the_same_data_is_refused_and_the_first_goes_on()
    {
        await using var manager = await ManagerProcess.StartNewAsync();
        var (exitCode, said) = await manager.RunSecondAsync();
        Assert.NotEqual(0, exitCode);
        Assert.Contains(manager.DataDirectory, said);
        await manager.Client.CreateServiceAsync(new CreateServiceRequest { Spec = Service("after") });
    }

    [Fact]
    public async Task A_manager_that_is_told_to_stop_says_so_to_its_readers_and_leaves_well()
    {
        await using var manager = await ManagerProcess.StartNewAsync();
        using var watching = manager.Client.WatchEvents(new WatchEventsRequest());
        await watching.ResponseHeadersAsync;
        var reading = watching.ResponseStream.MoveNext(CancellationToken.None);

        Assert.Equal(0, await manager.StopAsync());

        var error = await Assert.ThrowsAsync<RpcException>(() => reading);
        Assert.Equal(StatusCode.Unavailable, error.StatusCode);
        Assert.Contains("the manager is stopping", error.Status.Detail);
    }

    [Fact]
    [SupportedOSPlatform("linux")]
    public async Task Nobody_else_on_the_machine_may_read_its_data_or_call_it()
    {
        await using var manager = await ManagerProcess.StartNewAsync();
        const UnixFileMode strangers = UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
        const UnixFileMode others = strangers | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute;
        Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(manager.DataDirectory) & others);
        Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(manager.Socket) & strangers);
        Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(Path.GetDirectoryName(manager.Socket)!) & strangers);
        Assert.All(
            Directory.EnumerateFiles(manager.DataDirectory, "*", SearchOption.AllDirectories),
            file => Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(file) & others));
    }

    [Fact]
    public async Task A_peer_that_lost_power_is_asked_whether_it_is_there_and_then_let_go()
    {
        await using var manager = await ManagerProcess.StartNewAsync();
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(manager.Socket));
        await using var stream = new NetworkStream(socket);
        // HTTP/2's preface and empty settings; nothing is said afterwards.
        await stream.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0"u8.ToArray());

        const byte ping = 6;
        using var limit = new CancellationTokenSource(ManagerProcess.Deadline);
        var header = new byte[9];
        var wasAsked = false;
        while (await stream.ReadAtLeastAsync(header, header.Length, throwOnEndOfStream: false, limit.Token) == header.Length)
        {
            wasAsked |= header[3] == ping;
            await stream.ReadExactlyAsync(new byte[(header[0] << 16) | (header[1] << 8) | header[2]], limit.Token);
        }
        Assert.True(wasAsked);
    }

    private static async Task CreateUntilKilledAsync(Control.ControlClient client, int round, Dictionary<string, Service> acknowledged)
    {
        for (var number = 0; ; number++)
        {
            var name = $"kept-{round}-{number}";
            try
            {
                var created = await client.CreateServiceAsync(new CreateServiceRequest { Spec = Service(name) });
                acknowledged[name] = created.Service;
            }
            catch (RpcException error) when (error.StatusCode is StatusCode.Unavailable or StatusCode.Internal or StatusCode.Cancelled)
            {
                return;
            }
            catch (ObjectDisposedException)
            {
                return;
            }
        }
    }
}
