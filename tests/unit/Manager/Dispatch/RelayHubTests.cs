using Berth.Manager.Dispatch;
using Berth.Manager.Store;
using Berth.Model;
using Microsoft.Extensions.Time.Testing;
using V1 = Berth.Protocol.V1;

namespace Berth.Tests.Manager.Dispatch;

/// <summary>Agents that are asked for a stream and do not dial back.</summary>
public sealed class RelayHubTests : IDisposable
{
    private static readonly NodeId Node = new(5);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);
    private readonly FakeTimeProvider _time = new();
    private readonly AgentSession _session;
    private readonly RelayHub _hub;

    public RelayHubTests()
    {
        var registration = new Registration(Node, null, 1, NodeRole.Worker, new NodeDescription { Hostname = "a" }, []);
        _session = new AgentSession(registration);
        var sessions = new AgentSessions();
        sessions.Add(_session);
        _hub = new RelayHub(sessions, new EmptyView(), IdSource.Seeded(3), _time);
    }

    public void Dispose() => _session.Dispose();

    [Fact]
    public async Task An_agent_that_does_not_dial_back_in_time_is_named_and_comes_too_late_afterwards()
    {
        var opening = _hub.OpenAsync(Node, new V1.OpenRelay(), default);
        var asked = Asked();
        _time.Advance(RelayHub.DialTime - TimeSpan.FromTicks(1));
        Assert.False(opening.IsCompleted);
        Assert.True(_session.Outgoing.Count == 0);

        _time.Advance(TimeSpan.FromTicks(1));
        var error = await Assert.ThrowsAsync<RelayUnavailableException>(() => opening.WaitAsync(Deadline));
        Assert.Equal($"the agent of node {Node} did not dial back within 5 s", error.Message);
        Assert.False(_hub.TryHandOver(asked, ARelay()));
    }

    [Fact]
    public async Task Who_gives_up_is_not_waited_for()
    {
        using var reader = new CancellationTokenSource();
        var opening = _hub.OpenAsync(Node, new V1.OpenRelay(), reader.Token);
        var asked = Asked();
        await reader.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => opening.WaitAsync(Deadline));
        Assert.False(_hub.TryHandOver(asked, ARelay()));
    }

    [Fact]
    public async Task More_streams_than_may_be_waited_for_are_refused_until_some_are_given_up()
    {
        var openings = new List<Task<IRelay>>();
        for (var at = 0; at < RelayHub.MostWaiting; at++)
        {
            openings.Add(_hub.OpenAsync(Node, new V1.OpenRelay(), default));
            Asked();
        }
        var error = await Assert.ThrowsAsync<RelayUnavailableException>(() => _hub.OpenAsync(Node, new V1.OpenRelay(), default));
        Assert.Contains("1000 streams to agents are being opened already", error.Message);

        _time.Advance(RelayHub.DialTime);
        foreach (var opening in openings)
            await Assert.ThrowsAsync<RelayUnavailableException>(() => opening.WaitAsync(Deadline));
        var next = _hub.OpenAsync(Node, new V1.OpenRelay(), default);
        Assert.True(_hub.TryHandOver(Asked(), ARelay()));
        Assert.NotNull(await next.WaitAsync(Deadline));
    }

    [Fact]
    public async Task A_session_that_is_ending_is_not_asked()
    {
        _session.Close("as the test says");
        var error = await Assert.ThrowsAsync<RelayUnavailableException>(() => _hub.OpenAsync(Node, new V1.OpenRelay(), default));
        Assert.Contains("is ending", error.Message);
    }

    private string Asked() =>
        _session.Outgoing.TryRead(out var message) ? message.OpenRelay.RelayId : throw new InvalidOperationException("the agent was not asked");

    // Its streams are never used: it is only handed over.
    private static Relay ARelay() => new(null!, null!, new CancellationToken(canceled: true));

    private sealed class EmptyView : IClusterView
    {
        public ClusterState Current => ClusterState.Empty;
    }
}
