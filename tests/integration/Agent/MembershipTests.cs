using System.Text.Json;
using Berth.Protocol.V1;
using Docker.DotNet.Models;
using TaskState = Berth.Model.TaskState;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Agent;

/// <summary>The real agent, joining and staying in a cluster of managers that speak TLS.</summary>
public sealed class MembershipTests : IClassFixture<TestEngine>, IAsyncLifetime
{
    private readonly TestEngine _engine;
    private readonly string _data;
    private readonly TestCluster _cluster = new();
    private readonly TestAgent _agent;

    public MembershipTests(TestEngine engine)
    {
        _engine = engine;
        var directory = Path.Combine(engine.Directory, Guid.NewGuid().ToString("N")[..8]);
        _data = Path.Combine(directory, "agent");
        Directory.CreateDirectory(_data);
        _agent = new TestAgent(engine.Socket, null, _data);
    }

    public async Task InitializeAsync()
    {
        if (!File.Exists(_engine.Socket))
            return;
        await _cluster.StartAsync(3);
        _agent.Start();
    }

    public async Task DisposeAsync()
    {
        _agent.Dispose();
        foreach (var manager in _cluster.Managers)
            await manager.DisposeAsync();
        _cluster.Dispose();
        foreach (var container in await ContainersAsync())
            await _engine.Client.Containers.RemoveContainerAsync(container.ID, new ContainerRemoveParameters { Force = true });
    }

    [SkippableFact]
    public async Task A_host_waits_to_be_joined_and_is_who_it_is_from_then_on()
    {
        _engine.Require();
        await StatusAsync("unjoined");
        await JoinAsync();
        var node = Status("node_id");
        Assert.Equal(_cluster.Cluster.ToString(), Status("cluster_id"));
        Assert.False(File.Exists(Path.Combine(_data, "join.json")));
        foreach (var file in new[] { "node.key", "node.crt", "ca.crt" })
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_data, "identity", file)));
        var task = await RunAsync();

        // Nobody tells it again where its managers are.
        _agent.Kill();
        _agent.Start();
        await StatusAsync("joined");
        Assert.Equal(node, Status("node_id"));

        // Its memory may be lost as long as its certificate is there.
        _agent.Kill();
        File.Delete(Path.Combine(_data, "agent.state"));
        _agent.Start();
        await StatusAsync("joined", error: "it knows no manager", manager: false);
        Assert.Equal(node, Status("node_id"));
        Assert.Contains(await ContainersAsync(), container => container.Labels!["com.docker.swarm.task.id"] == task);
        Assert.DoesNotContain(_cluster.Token.Format()[70..], _agent.Log.ToString(), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_wrong_token_is_refused_with_a_reason_and_the_right_one_is_taken_afterwards()
    {
        _engine.Require();
        await StatusAsync("unjoined");
        var stranger = new TestCluster();
        File.WriteAllText(Path.Combine(_data, "join.json"), _cluster.Wish(stranger.Token.Format()));
        await StatusAsync("refused", error: "is not of the token's cluster");
        Assert.False(File.Exists(Path.Combine(_data, "join.json")));

        var secret = new Berth.Identity.JoinToken(Convert.FromHexString(DigestOf(_cluster)), Berth.Identity.JoinToken.NewSecret());
        File.WriteAllText(Path.Combine(_data, "join.json"), _cluster.Wish(secret.Format()));
        await StatusAsync("refused", error: "the token's secret is not this cluster's");
        await JoinAsync();
    }

    [SkippableFact]
    public async Task The_loss_or_silence_of_a_manager_moves_the_agent_to_another_and_touches_no_container()
    {
        _engine.Require();
        await JoinAsync();
        var task = await RunAsync();
        var started = (await ContainerAsync(task)).State!.StartedAt;

        var first = InUse();
        await first.StopAsync();
        await Wait.UntilAsync("another manager has the session", () => Task.FromResult(_cluster.Managers.Any(manager => manager.HasSession && manager != first)), () => $"{_agent.Log}");
        var second = InUse();
        second.IsMute = true;
        await Wait.UntilAsync("the third manager has the session", () => Task.FromResult(
            _cluster.Managers.Any(manager => manager.HasSession && manager != first && manager != second)), () => $"{_agent.Log}");
        Assert.Contains("the manager has been silent", _agent.Log.ToString(), StringComparison.Ordinal);

        // Moved by a manager's wish.
        second.IsMute = false;
        var third = _cluster.Managers.Single(manager => manager != first && manager != second);
        third.Say(new ManagerMessage { Move = new Move { NodeId = second.Id.ToString() } });
        await Wait.UntilAsync("it went where it was sent", () => Task.FromResult(second.HasSession && !third.HasSession), () => $"{_agent.Log}");
        Assert.Equal(started, (await ContainerAsync(task)).State!.StartedAt);
    }

    [SkippableFact]
    public async Task A_certificate_is_renewed_while_the_session_goes_on_and_an_expired_one_awaits_approval()
    {
        _engine.Require();
        _cluster.Validity = TimeSpan.FromSeconds(4);
        await JoinAsync();
        var task = await RunAsync();
        var node = Status("node_id");
        var path = Path.Combine(_data, "identity", "node.crt");
        var (manager, first) = (InUse(), File.ReadAllText(path));
        // Five minutes of skew are part of a life: this one is at its half already, so renewals follow one another at once.
        await Wait.UntilAsync("the certificate was renewed", () => Task.FromResult(File.ReadAllText(path) != first), () => $"{_agent.Log}");
        Assert.Equal((1, true), (manager.Sessions, manager.HasSession));

        foreach (var each in _cluster.Managers)
            await each.StopAsync();
        await Task.Delay(TimeSpan.FromSeconds(5));
        _cluster.Validity = TimeSpan.FromHours(2);
        foreach (var each in _cluster.Managers)
            await each.StartAsync();
        await StatusAsync("joined", error: $"awaits approval: approve it with: berth node approve {node}", manager: false);
        _cluster.Approved[node] = true;
        await StatusAsync("joined");
        Assert.Equal(node, Status("node_id"));
        Assert.True((await ContainerAsync(task)).State!.Running);
    }

    [SkippableFact]
    public async Task While_every_manager_is_away_what_ends_is_followed_here_and_taken_over_afterwards()
    {
        _engine.Require();
        await JoinAsync();
        var (crashing, steady) = (await RunAsync(), await RunAsync());
        var (before, untouched) = (await ContainerAsync(crashing), await ContainerAsync(steady));
        foreach (var manager in _cluster.Managers)
            await manager.StopAsync();

        await _engine.Client.Containers.KillContainerAsync(before.ID!, new ContainerKillParameters { Signal = "SIGKILL" });
        ContainerListResponse? follower = null;
        await Wait.UntilAsync("another attempt runs", async () =>
            (follower = (await ContainersAsync()).SingleOrDefault(container => container.State == "running" && container.ID != untouched.ID)) is not null, () => $"{_agent.Log}");
        Assert.NotEqual(crashing, follower!.Labels!["com.docker.swarm.task.id"]);
        Assert.Contains("/web.1.", follower.Names![0], StringComparison.Ordinal);
        // An agent that is restarted meanwhile does not begin another one.
        _agent.Kill();
        _agent.Start();

        foreach (var manager in _cluster.Managers)
            await manager.StartAsync();
        await StatusAsync("joined");
        var successor = follower.Labels["com.docker.swarm.task.id"];
        await Wait.UntilAsync("the attempt is the cluster's task", () => Task.FromResult(_cluster.Assigned.ContainsKey(successor)), () => $"{_agent.Log}");
        var told = InUse().Registered!.Tasks.Single(report => report.TaskId == successor);
        Assert.Equal((crashing, 1, 1), (told.Local.Root, told.Local.Generation, told.Local.Attempt));
        Assert.Equal(TaskState.Failed, (TaskState)InUse().Registered!.Tasks.Single(report => report.TaskId == crashing).State);
        await Task.Delay(TimeSpan.FromSeconds(2));
        Assert.Equal([follower.ID, untouched.ID], (await ContainersAsync()).Where(container => container.State == "running").Select(container => container.ID).OrderBy(id => id != follower.ID));
        Assert.Equal(untouched.State!.StartedAt, (await ContainerAsync(steady)).State!.StartedAt);
    }

    [SkippableFact]
    public async Task A_host_becomes_a_managers_and_is_one_no_more_as_managers_wish()
    {
        _engine.Require();
        await JoinAsync();
        var config = Path.Combine(Path.GetDirectoryName(_data)!, "manager", "manager.json");
        var manager = InUse();
        manager.Say(new ManagerMessage { ManagerDuty = new Berth.Protocol.V1.ManagerDuty { Wanted = true, ConfigJson = "{}" } });
        await Wait.UntilAsync("manager.json is there, and told", () => Task.FromResult(File.Exists(config) && manager.Description!.Manager == "wanted"), () => $"{_agent.Log}");
        manager.Say(new ManagerMessage { ManagerDuty = new Berth.Protocol.V1.ManagerDuty() });
        await Wait.UntilAsync("it is gone, and told", () => Task.FromResult(!File.Exists(config) && manager.Description!.Manager.Length == 0), () => $"{_agent.Log}");
    }

    [SkippableFact]
    public async Task A_removed_node_keeps_its_containers_and_leaving_stops_them()
    {
        _engine.Require();
        await JoinAsync();
        var task = await RunAsync();
        var node = Status("node_id");
        foreach (var manager in _cluster.Managers)
            manager.Refusal = "the node was removed from the cluster";
        InUse().Say(new ManagerMessage { Refused = new Refused { Reason = "the node was removed from the cluster" } });
        await StatusAsync("refused", error: "the node was removed from the cluster", manager: false);
        Assert.True((await ContainerAsync(task)).State!.Running);

        File.WriteAllText(Path.Combine(_data, "leave.json"), "{}");
        await StatusAsync("unjoined");
        Assert.NotEqual(node, Status("node_id"));
        Assert.False(File.Exists(Path.Combine(_data, "identity", "node.key")));
        Assert.DoesNotContain(await ContainersAsync(), container => container.Labels!["berth.node"] == node);

        foreach (var manager in _cluster.Managers)
            manager.Refusal = null;
        _cluster.Assigned.Clear();
        await JoinAsync();
    }

    private static string DigestOf(TestCluster cluster) =>
        Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(
            System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPem(cluster.AuthorityPem).RawData));

    private async Task JoinAsync()
    {
        File.WriteAllText(Path.Combine(_data, "join.json"), _cluster.Wish());
        await StatusAsync("joined");
    }

    private async Task<string> RunAsync()
    {
        var manager = InUse();
        var task = manager.Assign(new Berth.Model.TaskSpec
        {
            Container = new Berth.Model.ContainerSpec
            {
                Image = "box:1", Command = ["/bin/sh", "-c"], Args = ["trap 'exit 0' TERM; while :; do sleep 0.1; done"], StopGracePeriod = TimeSpan.FromSeconds(1),
            },
            Network = Berth.Model.NetworkMode.Host,
            Restart = new Berth.Model.RestartPolicy { Delay = TimeSpan.FromSeconds(1) },
        });
        await manager.UntilAsync(task, TaskState.Running);
        return task;
    }

    private TestManager InUse() => _cluster.Managers.Single(manager => manager.HasSession && !manager.IsMute);

    private async Task<IEnumerable<ContainerListResponse>> ContainersAsync() => File.Exists(_engine.Socket)
        ? (await _engine.Client.Containers.ListContainersAsync(new ContainersListParameters { All = true })).Where(container => container.Labels!.ContainsKey("berth.node"))
        : [];

    private async Task<ContainerInspectResponse> ContainerAsync(string task) =>
        await _engine.Client.Containers.InspectContainerAsync((await ContainersAsync()).Single(each => each.Labels!["com.docker.swarm.task.id"] == task).ID!, CancellationToken.None);

    private Task StatusAsync(string state, string error = "", bool manager = true) => Wait.UntilAsync(
        $"the status is {state} {error}",
        () => Task.FromResult(Status("state") == state
            && (error.Length == 0 ? Status("error").Length == 0 : Status("error").Contains(error, StringComparison.Ordinal))
            && (state != "joined" || !manager || (Status("manager").Length > 0 && _cluster.Managers.Count(each => each.HasSession) == 1))),
        () => $"{(File.Exists(Path.Combine(_data, "status.json")) ? File.ReadAllText(Path.Combine(_data, "status.json")) : "none")}\n{_agent.Log}");

    private string Status(string property)
    {
        var path = Path.Combine(_data, "status.json");
        if (!File.Exists(path))
            return "";
        using var status = JsonDocument.Parse(File.ReadAllText(path));
        return status.RootElement.GetProperty(property).GetString()!;
    }
}
