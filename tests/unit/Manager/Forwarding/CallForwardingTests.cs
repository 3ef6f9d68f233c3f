using System.Collections.Immutable;
using Berth.Manager.Access;
using Berth.Manager.Forwarding;
using Berth.Manager.Store;
using Berth.Protocol.V1;
using Google.Protobuf;
using Grpc.Core;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Manager.Forwarding;

public sealed class CallForwardingTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private TestManager _standby = null!;
    private TestManager _leader = null!;

    public async Task InitializeAsync() =>
        (_standby, _leader) = (await TestManager.StartAsync("berth2"), await TestManager.StartAsync(""));

    public async Task DisposeAsync()
    {
        await _standby.DisposeAsync();
        await _leader.DisposeAsync();
    }

    [Fact]
    public async Task A_change_is_made_by_the_leader_who_is_told_who_asked()
    {
        _leader.Takes(7, _standby);
        var caller = "";
        _leader.Answers.Before = call =>
        {
            caller = OriginalCaller.Parser.ParseFrom(call.RequestHeaders.GetValueBytes(Callers.Header)).Name;
            return Task.CompletedTask;
        };

        var answer = await _standby.Control.RemoveStackAsync(new RemoveStackRequest { Name = "web" }, deadline: Deadline);

        Assert.Equal(("web", 1, 0), (answer.Services.Single().Name, _leader.Answers.Asked, _standby.Answers.Asked));
        Assert.Contains("berth2", caller);
    }

    [Fact]
    public async Task A_read_is_answered_where_it_arrives_unless_it_must_be_consistent()
    {
        _leader.Takes(7, _standby);

        await _standby.Control.ListStacksAsync(new ListStacksRequest(), deadline: Deadline);
        Assert.Equal((0, 1), (_leader.Answers.Asked, _standby.Answers.Asked));

        await _standby.Control.ListStacksAsync(new ListStacksRequest(), Consistent, Deadline);
        Assert.Equal((1, 1), (_leader.Answers.Asked, _standby.Answers.Asked));
    }

    [Fact]
    public async Task A_leader_whose_lease_is_over_answers_a_consistent_read_once_it_is_renewed()
    {
        _leader.Takes(7);
        _leader.Lead.HasValidLease = false;
        var read = _leader.Control.ListStacksAsync(new ListStacksRequest(), Consistent, Deadline).ResponseAsync;

        await _leader.Control.ListStacksAsync(new ListStacksRequest(), deadline: Deadline);
        Assert.False(read.IsCompleted);
        _leader.Lead.HasValidLease = true;

        Assert.Equal(2, (await read).Stacks.Single().Services);
    }

    [Fact]
    public async Task A_manager_whose_earlier_life_still_holds_the_record_waits_for_the_lead_and_passes_nothing_on()
    {
        // Whoever answers at that address by now would answer wrongly.
        _leader.Takes(7);
        _standby.Lead.Become(new LeaderRecord(7, TestManager.Me, _leader.Url, 0), isLeading: false);
        var call = _standby.Control.RemoveStackAsync(new RemoveStackRequest { Name = "web" }, deadline: Deadline).ResponseAsync;
        await WaitUntilAsync(() => _standby.Lead.Looked > WaitsFor);
        Assert.False(call.IsCompleted);

        _standby.Takes(8);

        await call;
        Assert.Equal((0, 1), (_leader.Answers.Asked, _standby.Answers.Asked));
    }

    [Fact]
    public async Task Its_own_change_is_seen_by_the_next_read_at_the_same_manager()
    {
        _leader.Takes(7, _standby);
        _leader.View.Publish(At(5));
        var call = _standby.Control.RemoveStackAsync(new RemoveStackRequest(), deadline: Deadline);
        await WaitUntilAsync(() => _leader.Answers.Asked == 1);

        _standby.View.Publish(At(5));

        Assert.Equal("5", (await call.ResponseHeadersAsync).GetValue(CallHeaders.Index));
        Assert.Equal(5, _standby.View.Current.Index);
    }

    [Fact]
    public async Task A_standby_that_lags_behind_still_says_that_the_change_is_made()
    {
        _leader.Takes(7, _standby);
        _leader.View.Publish(At(5));

        var call = _standby.Control.RemoveStackAsync(new RemoveStackRequest { Name = "web" }, deadline: Deadline);

        Assert.Equal("web", (await call).Services.Single().Name);
        Assert.Equal("5", (await call.ResponseHeadersAsync).GetValue(CallHeaders.Index));
    }

    [Fact]
    public async Task A_read_waits_for_the_index_it_asks_for_and_says_when_it_does_not_come()
    {
        _standby.View.Publish(At(3));
        var late = await RefusedAsync(_standby.Control.ListStacksAsync(
            new ListStacksRequest(), new Metadata { { CallHeaders.MinimumIndex, "4" } }, Deadline));

        var call = _standby.Control.ListStacksAsync(new ListStacksRequest(), new Metadata { { CallHeaders.MinimumIndex, "3" } }, Deadline);

        Assert.Contains("index 3 and not yet 4", late.Status.Detail);
        Assert.Equal("3", (await call.ResponseHeadersAsync).GetValue(CallHeaders.Index));
    }

    [Fact]
    public async Task A_call_waits_for_a_leader()
    {
        var call = _standby.Control.RemoveStackAsync(new RemoveStackRequest { Name = "web" }, deadline: Deadline);
        await WaitUntilAsync(() => _standby.Lead.Looked > WaitsFor);
        Assert.False(call.ResponseAsync.IsCompleted);

        _leader.Takes(7, _standby);

        Assert.Equal("web", (await call).Services.Single().Name);
    }

    [Fact]
    public async Task A_manager_that_is_taken_for_the_leader_does_nothing_and_the_call_goes_on_to_the_next()
    {
        await using var third = await TestManager.StartAsync("");
        _leader.Takes(7, _standby);
        _leader.Lead.Become(LeaderRecord.None, isLeading: false);
        var looked = _leader.Lead.Looked;
        var call = _standby.Control.RemoveStackAsync(new RemoveStackRequest { Name = "web" }, deadline: Deadline);
        // It was asked, more than once, and said each time that it does not lead.
        await WaitUntilAsync(() => _leader.Lead.Looked > looked + 1);
        Assert.False(call.ResponseAsync.IsCompleted);

        third.Takes(8, _standby);

        Assert.Equal("web", (await call).Services.Single().Name);
        Assert.Equal((0, 1), (_leader.Answers.Asked, third.Answers.Asked));
    }

    [Fact]
    public async Task A_leader_that_cannot_be_reached_got_nothing_so_the_call_goes_on_to_the_next()
    {
        await using var third = await TestManager.StartAsync("");
        _leader.Takes(7, _standby);
        await _leader.DieAsync();
        var call = _standby.Control.RemoveStackAsync(new RemoveStackRequest { Name = "web" }, deadline: Deadline);

        third.Takes(8, _standby);

        Assert.Equal("web", (await call).Services.Single().Name);
        Assert.Equal(1, third.Answers.Asked);
    }

    [Fact]
    public async Task Without_a_leader_the_call_ends_within_the_callers_time_and_says_so()
    {
        // The manager is told of 1.5 s; this side waits for as long as it takes, so that only the manager's answer can come.
        var refusal = await RefusedAsync(_standby.Control.RemoveStackAsync(new RemoveStackRequest { Name = "web" }, new Metadata { { "grpc-timeout", "1500m" } }));

        Assert.Equal(StatusCode.Unavailable, refusal.StatusCode);
        Assert.Contains("no manager leads", refusal.Status.Detail);
        Assert.Contains("nothing was changed", refusal.Status.Detail);
    }

    [Fact]
    public async Task A_change_that_may_have_been_made_is_never_sent_again()
    {
        await using var third = await TestManager.StartAsync("");
        _leader.Takes(7, _standby);
        _leader.Answers.Before = call => Task.Delay(Patience, call.CancellationToken);
        var call = _standby.Control.RemoveStackAsync(new RemoveStackRequest { Name = "web" }, deadline: Deadline);
        await WaitUntilAsync(() => _leader.Answers.Asked == 1);

        third.Takes(8, _standby);

        var refusal = await RefusedAsync(call);
        Assert.Equal(StatusCode.Unavailable, refusal.StatusCode);
        Assert.Contains("may have taken effect: check with berth stack ls", refusal.Status.Detail);
        Assert.Equal(0, third.Answers.Asked);
    }

    [Fact]
    public async Task A_consistent_read_is_asked_again_of_the_next_leader()
    {
        await using var third = await TestManager.StartAsync("");
        _leader.Takes(7, _standby);
        _leader.Answers.Before = call => Task.Delay(Patience, call.CancellationToken);
        var call = _standby.Control.ListStacksAsync(new ListStacksRequest(), Consistent, Deadline);
        await WaitUntilAsync(() => _leader.Answers.Asked == 1);

        third.Takes(8, _standby);

        Assert.Equal(1, (await call).Stacks.Single().Services);
    }

    [Fact]
    public async Task A_caller_who_goes_away_is_gone_for_the_leader_too()
    {
        _leader.Takes(7, _standby);
        var gone = new TaskCompletionSource();
        _leader.Answers.Before = async call =>
        {
            await using var ended = call.CancellationToken.Register(gone.SetResult);
            await Task.Delay(Patience, call.CancellationToken);
        };
        using var call = _standby.Control.RemoveStackAsync(new RemoveStackRequest(), deadline: Deadline);
        await WaitUntilAsync(() => _leader.Answers.Asked == 1);

        call.Dispose();

        await gone.Task.WaitAsync(Patience);
    }

    [Fact]
    public async Task A_stream_comes_through_whole_with_status_and_trailers()
    {
        _leader.Takes(7, _standby);
        using var call = _standby.Admin.Backup(new BackupRequest(), deadline: Deadline);
        var parts = ImmutableArray.CreateBuilder<byte>();
        var end = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await call.ResponseStream.MoveNext(CancellationToken.None))
                parts.Add(call.ResponseStream.Current.Data[0]);
        });

        Assert.Equal([0, 1, 2], parts.ToArray());
        Assert.Equal((StatusCode.DataLoss, "the end, 100 % told", "a trailer"), (end.StatusCode, end.Status.Detail, end.Trailers.GetValue("why")));
    }

    [Fact]
    public async Task A_stranger_cannot_make_a_manager_hold_a_large_request()
    {
        _leader.Takes(7, _standby);
        var refusal = await RefusedAsync(_standby.Enrollment.EnrollAsync(
            new EnrollRequest { SigningRequest = ByteString.CopyFrom(new byte[ForwardedRequest.MostAnonymousBytes]) }, deadline: Deadline));

        Assert.Equal(StatusCode.ResourceExhausted, refusal.StatusCode);
    }

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("100 %", "100 %25")]
    [InlineData("ja\n…", "ja%0A%E2%80%A6")]
    public void A_message_is_written_as_gRPC_demands(string message, string written) => Assert.Equal(written, GrpcAnswer.Encode(message));

    [Theory]
    [InlineData("5S", 5_000)]
    [InlineData("1500m", 1_500)]
    [InlineData("2M", 120_000)]
    [InlineData("5000000n", 5)]
    [InlineData("x", null)]
    [InlineData("5x", null)]
    [InlineData("-5S", null)]
    [InlineData(null, null)]
    public void A_callers_time_is_read(string? header, int? milliseconds) =>
        Assert.Equal(milliseconds, (int?)GrpcAnswer.Timeout(header)?.TotalMilliseconds);

    private static Metadata Consistent => new() { { CallHeaders.Consistent, "1" } };

    // Looks of a call that waits: several pauses of its loop.
    private const int WaitsFor = 8;

    // gRPC takes a deadline as an instant of the wall clock; nothing is asserted about it.
    private static DateTime Deadline => DateTime.UtcNow + Patience;

    private static ClusterState At(long index) => ClusterState.Empty.Apply(new Commit(index, DateTimeOffset.UnixEpoch, []));

    private static Task<RpcException> RefusedAsync<T>(AsyncUnaryCall<T> call) => Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);

    private static async Task WaitUntilAsync(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!condition())
            await Task.Delay(5, patience.Token);
    }
}
