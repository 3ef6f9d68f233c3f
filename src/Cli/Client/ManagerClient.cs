using Berth.Cli.Output;
using Berth.Protocol;
using Berth.Protocol.V1;
using Grpc.Core;
using Task = System.Threading.Tasks.Task;

namespace Berth.Cli.Client;

/// <summary>The managers of one cluster. Every call has a deadline or can be ended, and every failure is a <see cref="UserError"/>.
/// Of several managers one that does not answer is passed over at once.</summary>
internal sealed class ManagerClient : IDisposable
{
    /// <summary>A call that does not stream is answered within this time, or the manager counts as unreachable.</summary>
    public static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(15);

    /// <summary>How long one manager alone is waited for before the next is asked the same.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(150);

    /// <summary>Asks for the newest state there is instead of the answering manager's.</summary>
    public const string ConsistentHeader = "berth-consistent";

    private static readonly TimeSpan LearnTimeout = TimeSpan.FromSeconds(5);

    private readonly ManagerTarget _target;
    private readonly TimeProvider _time;
    private readonly List<Endpoint> _endpoints;
    private readonly SemaphoreSlim _learning = new(1);
    private volatile int _learned;
    private bool _isChosen;
    private bool _isFound;

    /// <summary>A client of the manager at <paramref name="address"/>; it connects with the first call.</summary>
    public ManagerClient(ManagerAddress address, TimeProvider time)
        : this(ManagerTarget.Of(address), time)
    {
    }

    /// <summary>A client of the managers of <paramref name="target"/>; it connects with the first call.</summary>
    public ManagerClient(ManagerTarget target, TimeProvider time)
    {
        _target = target;
        _time = time;
        _endpoints = [.. target.Addresses.Select(address => new Endpoint(address, target.Tls))];
        _isFound = !target.Addresses.Any(address => address.IsConsul);
    }

    /// <summary>The manager that answered last, or that is asked first.</summary>
    public ManagerAddress Address => _endpoints[0].Address;

    /// <summary>Every manager, as shown to people.</summary>
    public string Names => string.Join(", ", _target.Addresses.Select(address => address.Url));

    /// <summary>Changes something: one manager is asked, one that is there. An answer comes within <see cref="CallTimeout"/>.</summary>
    /// <param name="doing">What is asked, for errors: <c>create service 'web'</c>.</param>
    /// <param name="call">The call.</param>
    /// <param name="cancel">Ends the call.</param>
    public Task<T> Call<T>(string doing, Func<Control.ControlClient, CallOptions, AsyncUnaryCall<T>> call, CancellationToken cancel) =>
        CallOne(doing, (endpoint, options) => call(endpoint.Control, options), cancel);

    /// <summary>Reads something: the first manager that answers is believed. The answer comes within <see cref="CallTimeout"/>.</summary>
    public Task<T> Ask<T>(string doing, Func<Control.ControlClient, CallOptions, AsyncUnaryCall<T>> call, CancellationToken cancel) =>
        AskAny(doing, (endpoint, options) => call(endpoint.Control, options), _target.Consistent, cancel);

    /// <summary>Reads what is going to be changed: the newest state there is, which only the leader knows.</summary>
    public Task<T> AskNewest<T>(string doing, Func<Control.ControlClient, CallOptions, AsyncUnaryCall<T>> call, CancellationToken cancel) =>
        AskAny(doing, (endpoint, options) => call(endpoint.Control, options), true, cancel);

    /// <summary>As <see cref="Call"/>, of the administrators' service.</summary>
    public Task<T> Administer<T>(string doing, Func<ClusterAdmin.ClusterAdminClient, CallOptions, AsyncUnaryCall<T>> call, CancellationToken cancel) =>
        CallOne(doing, (endpoint, options) => call(endpoint.Admin, options), cancel);

    /// <summary>As <see cref="Ask"/>, of the administrators' service.</summary>
    public Task<T> AskAdmin<T>(string doing, Func<ClusterAdmin.ClusterAdminClient, CallOptions, AsyncUnaryCall<T>> call, CancellationToken cancel) =>
        AskAny(doing, (endpoint, options) => call(endpoint.Admin, options), _target.Consistent, cancel);

    /// <summary>Demands that all managers know what is going to be asked: one of an earlier release would leave it out without a word.</summary>
    /// <param name="level">The release level that brought it.</param>
    /// <param name="what">What it is, such as <c>--revoke-clients</c>.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="UserError">Not all do.</exception>
    public async Task RequireLevel(int level, string what, CancellationToken cancel)
    {
        var info = await AskNewest("ask the manager for its release", (control, call) => control.GetInfoAsync(new GetInfoRequest(), call), cancel);
        // The state's level is the lowest of all managers: whoever leads next knows it too.
        if (Math.Min(ReleaseLevel.OfWire(info.Level), ReleaseLevel.OfWire(info.StateLevel)) is var least && least < level)
        {
            throw new UserError($"{what} needs managers of release level {level}, and the cluster is of level {least}: it would be left out",
                "upgrade all managers first; 'berth cluster status' shows their versions", ExitCode.Failed);
        }
    }

    /// <summary>How the cluster is. A manager that waits for its unlock key knows nothing of it: the others are asked, and its word counts only
    /// where nobody else answers.</summary>
    public async Task<ClusterStatus> AskCluster(CancellationToken cancel)
    {
        const string doing = "ask for the cluster's managers and keys";
        var deadline = (_time.GetUtcNow() + CallTimeout).UtcDateTime;
        ClusterStatus? locked = null;
        try
        {
            return await AskEach(doing, async (endpoint, stop) =>
            {
                using var pending = endpoint.Admin.GetClusterAsync(new GetClusterRequest(), Reading(_target.Consistent, deadline, stop));
                var status = await pending.ResponseAsync;
                if (!status.Locked)
                    return status;
                Interlocked.CompareExchange(ref locked, status, null);
                throw new RpcException(new Status(StatusCode.Unavailable, "this manager is locked"));
            }, cancel);
        }
        catch (UserError) when (locked is not null)
        {
            return locked;
        }
    }

    /// <summary>Every message of a stream that ends by itself, within <see cref="CallTimeout"/>.</summary>
    public async Task<List<T>> ReadAll<T>(string doing, Func<Control.ControlClient, CallOptions, AsyncServerStreamingCall<T>> call, CancellationToken cancel)
    {
        var deadline = (_time.GetUtcNow() + CallTimeout).UtcDateTime;
        return await AskEach(doing, async (endpoint, stop) =>
        {
            var all = new List<T>();
            using var pending = call(endpoint.Control, Reading(_target.Consistent, deadline, stop));
            while (await pending.ResponseStream.MoveNext(stop))
                all.Add(pending.ResponseStream.Current);
            return all;
        }, cancel);
    }

    /// <summary>The messages of a stream that goes on until <paramref name="cancel"/> ends it.</summary>
    public IAsyncEnumerable<T> Follow<T>(string doing, Func<Control.ControlClient, CallOptions, AsyncServerStreamingCall<T>> call, CancellationToken cancel) =>
        Stream(doing, (endpoint, options) => call(endpoint.Control, options), cancel);

    /// <summary>As <see cref="Follow"/>, of the administrators' service.</summary>
    public IAsyncEnumerable<T> FollowAdmin<T>(string doing, Func<ClusterAdmin.ClusterAdminClient, CallOptions, AsyncServerStreamingCall<T>> call, CancellationToken cancel) =>
        Stream(doing, (endpoint, options) => call(endpoint.Admin, options), cancel);

    /// <summary>A manager that answers now, for a stream both ways.</summary>
    public async Task<Control.ControlClient> Reachable(string doing, CancellationToken cancel)
    {
        await Choose(doing, cancel);
        return _endpoints[0].Control;
    }

    /// <summary>What a failed call means to a person.</summary>
    public UserError Explain(RpcException fault, string doing) => Faults.ToUserError(fault, Address, doing, _endpoints[0].Tls);

    /// <inheritdoc/>
    public void Dispose()
    {
        _endpoints.ForEach(endpoint => endpoint.Dispose());
        _learning.Dispose();
    }

    private async Task<T> CallOne<T>(string doing, Func<Endpoint, CallOptions, AsyncUnaryCall<T>> call, CancellationToken cancel)
    {
        await Choose(doing, cancel);
        try
        {
            using var pending = call(_endpoints[0], new CallOptions(deadline: (_time.GetUtcNow() + CallTimeout).UtcDateTime, cancellationToken: cancel));
            return await pending.ResponseAsync;
        }
        catch (RpcException fault)
        {
            throw Failure(fault, doing, cancel);
        }
    }

    private Task<T> AskAny<T>(string doing, Func<Endpoint, CallOptions, AsyncUnaryCall<T>> call, bool newest, CancellationToken cancel)
    {
        var deadline = (_time.GetUtcNow() + CallTimeout).UtcDateTime;
        return AskEach(doing, async (endpoint, stop) =>
        {
            using var pending = call(endpoint, Reading(newest, deadline, stop));
            return await pending.ResponseAsync;
        }, cancel);
    }

    // What changes something must not be sent twice: before it, and before streams, a manager is found that answers.
    private async Task Choose(string doing, CancellationToken cancel)
    {
        await Find(cancel);
        // Over TLS one alone is asked too: whom it shows itself as may be new to this client, and a change must not be what finds that out.
        if (_isChosen || (_endpoints.Count == 1 && _endpoints[0].Tls is null))
            return;
        var deadline = (_time.GetUtcNow() + CallTimeout).UtcDateTime;
        _ = await AskEach(doing, async (endpoint, stop) =>
        {
            using var pending = endpoint.Control.GetInfoAsync(new GetInfoRequest(), new CallOptions(deadline: deadline, cancellationToken: stop));
            return await pending.ResponseAsync;
        }, cancel);
        _isChosen = true;
    }

    // Consul is asked once, with the first call.
    private async Task Find(CancellationToken cancel)
    {
        if (_isFound)
            return;
        var addresses = await ConsulLookup.Resolve(_target.Addresses, _target.Tls?.Client.Cluster, _target.Environment, _time, cancel);
        _endpoints.ForEach(endpoint => endpoint.Dispose());
        _endpoints.Clear();
        _endpoints.AddRange(addresses.Select(address => new Endpoint(address, _target.Tls)));
        _isFound = true;
    }

    private async Task<T> AskEach<T>(string doing, Func<Endpoint, CancellationToken, Task<T>> ask, CancellationToken cancel)
    {
        await Find(cancel);
        var learned = _learned;
        try
        {
            return await AskOnce(doing, ask, cancel);
        }
        catch (UserError) when (learned != _learned || Distrusted().Count > 0)
        {
            if (!await LearnTrust(learned, cancel))
                throw;
            return await AskOnce(doing, ask, cancel);
        }
    }

    private List<Endpoint> Distrusted()
    {
        lock (_endpoints)
            return [.. _endpoints.Where(endpoint => endpoint.IsDistrusted)];
    }

    // Commands ask two things at a time: the second finds that the first has learnt it.
    private async Task<bool> LearnTrust(int learned, CancellationToken cancel)
    {
        await _learning.WaitAsync(cancel);
        try
        {
            if (learned != _learned)
                return true;
            foreach (var endpoint in Distrusted())
            {
                using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
                patience.CancelAfter(LearnTimeout);
                if (await endpoint.LearnTrust(patience.Token) is not { } digests)
                    continue;
                _target.Note($"the cluster's authority was rotated: context '{_target.Tls!.Context}' trusts {digests} from now on, for which the earlier one vouches");
                Renew();
                _learned++;
                return true;
            }
            return false;
        }
        finally
        {
            _learning.Release();
        }
    }

    // Connections of before were made with the earlier trust.
    private void Renew()
    {
        lock (_endpoints)
        {
            Endpoint[] fresh = [.. _endpoints.Select(endpoint => new Endpoint(endpoint.Address, _target.Tls))];
            _endpoints.ForEach(endpoint => endpoint.Dispose());
            _endpoints.Clear();
            _endpoints.AddRange(fresh);
        }
    }

    private async Task<T> AskOnce<T>(string doing, Func<Endpoint, CancellationToken, Task<T>> ask, CancellationToken cancel)
    {
        try
        {
            // Commands ask two things at a time: whoever wins one race must not change the order in another.
            IReadOnlyList<Endpoint> asked;
            lock (_endpoints)
                asked = [.. _endpoints];
            var (by, answer) = await Race.Run(asked, Patience, ask, LeavesHope, _time, cancel);
            lock (_endpoints)
            {
                if (_endpoints.Remove(by))
                    _endpoints.Insert(0, by);
            }
            return answer;
        }
        catch (RaceLostException<Endpoint> lost) when (!cancel.IsCancellationRequested)
        {
            throw Faults.OfAll([.. lost.Failures.Select(one => (one.By.Address, one.By.Tls, (RpcException)one.Failure))], doing);
        }
        catch (RpcException fault)
        {
            throw Failure(fault, doing, cancel);
        }
    }

    // One that is away, or cannot answer now, says nothing about the others; a refusal is an answer.
    private static bool LeavesHope(Exception failure) =>
        failure is RpcException { StatusCode: StatusCode.Unavailable or StatusCode.DeadlineExceeded } or RpcException { Status.DebugException: not null };

    private async IAsyncEnumerable<T> Stream<T>(string doing, Func<Endpoint, CallOptions, AsyncServerStreamingCall<T>> call,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        await Choose(doing, cancel);
        using var pending = call(_endpoints[0], Reading(_target.Consistent, null, cancel));
        while (await Next(doing, pending.ResponseStream, cancel))
            yield return pending.ResponseStream.Current;
    }

    private async Task<bool> Next<T>(string doing, IAsyncStreamReader<T> stream, CancellationToken cancel)
    {
        try
        {
            return await stream.MoveNext(cancel);
        }
        catch (RpcException fault)
        {
            throw Failure(fault, doing, cancel);
        }
    }

    private Exception Failure(RpcException fault, string doing, CancellationToken cancel)
    {
        _isChosen = false;
        return cancel.IsCancellationRequested
            ? new OperationCanceledException($"{doing}: ended by the caller", fault, cancel)
            : Explain(fault, doing);
    }

    private static CallOptions Reading(bool newest, DateTime? deadline, CancellationToken cancel) =>
        new(newest ? new Metadata { { ConsistentHeader, "1" } } : null, deadline, cancel);
}
