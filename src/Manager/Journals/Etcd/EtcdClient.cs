using System.Collections.Immutable;
using Grpc.Core;

namespace Berth.Manager.Journals.Etcd;

/// <summary>Asks etcd: the member on this host first, then the others, each with a short deadline.</summary>
/// <remarks>A call may be done although its answer never came, and is then sent again: whoever writes must send what can be
/// told from a first attempt, by comparing in the transaction and reading back what it found.</remarks>
internal sealed class EtcdClient : IDisposable
{
    private static readonly TimeSpan LongestAttempt = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan BetweenRounds = TimeSpan.FromMilliseconds(25);

    // Also a slow disk and a slow network take this much a second.
    private const double SlowestBytesPerSecond = 1 << 20;

    private readonly EtcdOptions _options;
    private readonly TimeProvider _time;
    private readonly List<EtcdMember> _retired = [];
    private readonly Lock _lock = new();
    private ImmutableArray<EtcdMember> _members;

    public EtcdClient(EtcdOptions options, TimeProvider time)
    {
        if (options.Endpoints.IsDefaultOrEmpty)
            throw new ArgumentException("etcd has no address", nameof(options));
        if (options.Identity is null && options.Endpoints.Any(address => address.Scheme != Uri.UriSchemeHttp))
            throw new ArgumentException("etcd behind https needs an identity", nameof(options));
        _options = options;
        _time = time;
        _members = [.. options.Endpoints.Select(address => new EtcdMember(address, options.Identity))];
    }

    /// <summary>The members that are asked, this host's first.</summary>
    public ImmutableArray<EtcdMember> Members => _members;

    /// <summary>From now on these members are asked; connections to those that stay are kept.</summary>
    public void Use(ImmutableArray<Uri> addresses)
    {
        lock (_lock)
        {
            var before = _members;
            if (addresses.IsDefaultOrEmpty || before.Select(member => member.Address).SequenceEqual(addresses))
                return;
            _members = [.. addresses.Select(address =>
                before.FirstOrDefault(member => member.Address == address) ?? new EtcdMember(address, _options.Identity))];
            // Calls may be on their way; they end with the client.
            _retired.AddRange(before.Except(_members));
        }
    }

    /// <summary>Reads keys, linearizably.</summary>
    public Task<V3.RangeResponse> RangeAsync(V3.RangeRequest request, CancellationToken cancellation) =>
        CallAsync((member, options) => member.KV.RangeAsync(request, options), 0, _options.Patience, cancellation);

    /// <summary>Does a transaction that changes nothing when it is done a second time.</summary>
    public Task<V3.TxnResponse> TransactAsync(V3.TxnRequest request, CancellationToken cancellation) =>
        TransactAsync(request, _options.Patience, cancellation);

    /// <summary>As above, tried for as long as <paramref name="patience"/>.</summary>
    public Task<V3.TxnResponse> TransactAsync(V3.TxnRequest request, TimeSpan patience, CancellationToken cancellation) =>
        CallAsync((member, options) => member.KV.TxnAsync(request, options), request.CalculateSize(), patience, cancellation);

    /// <summary>Asks one member after the other until one answers.</summary>
    /// <param name="call">The call; may be sent more than once.</param>
    /// <param name="bytes">How large it is: what is large may take longer.</param>
    /// <param name="patience">When to give up.</param>
    /// <param name="cancellation">Gives up at once.</param>
    /// <exception cref="EtcdUnavailableException">Nobody answered.</exception>
    /// <exception cref="EtcdFullException">etcd takes no writes.</exception>
    /// <exception cref="RpcException">It was refused.</exception>
    public async Task<T> CallAsync<T>(
        Func<EtcdMember, CallOptions, AsyncUnaryCall<T>> call, int bytes, TimeSpan patience, CancellationToken cancellation)
    {
        var begun = _time.GetTimestamp();
        var attempt = _options.Attempt + TimeSpan.FromSeconds(bytes / SlowestBytesPerSecond);
        while (true)
        {
            var said = new List<string>();
            RpcException? last = null;
            foreach (var member in InOrder())
            {
                cancellation.ThrowIfCancellationRequested();
                try
                {
                    var answer = await AskAsync(member, call, attempt, cancellation);
                    member.Failures = 0;
                    return answer;
                }
                catch (RpcException error) when (cancellation.IsCancellationRequested)
                {
                    throw new OperationCanceledException("etcd was no longer waited for", error, cancellation);
                }
                catch (RpcException error) when (EtcdErrors.Kind(error) == EtcdError.Full)
                {
                    throw new EtcdFullException(
                        "etcd takes no writes: its database is as large as its quota (quota-backend-bytes in etcd.yml on the managers' hosts). Its history was "
                        + "forgotten and that is not enough: raise the quota on each of them and start etcd again", error);
                }
                catch (RpcException error) when (EtcdErrors.Kind(error) == EtcdError.Ask)
                {
                    Rest(member);
                    last = error;
                    said.Add($"{member.Address.Authority}: {EtcdErrors.Text(error)}");
                }
            }
            if (_time.GetElapsedTime(begun) >= patience)
                throw new EtcdUnavailableException(
                    $"etcd did not answer within {_time.GetElapsedTime(begun).TotalSeconds:0.#} s ({string.Join("; ", said)}). A majority of its members must run and reach "
                    + "one another; see the log of etcd on the managers' hosts", last);
            attempt = attempt * 2 < LongestAttempt ? attempt * 2 : attempt;
            await Task.Delay(BetweenRounds, _time, cancellation);
        }
    }

    /// <summary>Asks one member.</summary>
    public async Task<T> AskAsync<T>(
        EtcdMember member, Func<EtcdMember, CallOptions, AsyncUnaryCall<T>> call, TimeSpan timeout, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(timeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellation);
        try
        {
            using var asked = call(member, new CallOptions(cancellationToken: both.Token));
            return await asked.ResponseAsync;
        }
        catch (RpcException error) when (deadline.IsCancellationRequested && error.StatusCode == StatusCode.Cancelled)
        {
            throw new RpcException(new Status(StatusCode.DeadlineExceeded, $"no answer within {timeout.TotalMilliseconds:0} ms", error));
        }
    }

    /// <summary>Marks a member as failing: others are asked before it for a moment.</summary>
    public void Rest(EtcdMember member)
    {
        var failures = Interlocked.Increment(ref member.Failures);
        var rest = TimeSpan.FromMilliseconds(Math.Min(LongestRest.TotalMilliseconds, 250 * Math.Pow(2, Math.Min(failures, 10) - 1)));
        Volatile.Write(ref member.RestsUntil, _time.GetTimestamp() + (long)(rest.TotalSeconds * _time.TimestampFrequency));
    }

    /// <summary>Members in the order in which to ask them: who failed a moment ago comes last.</summary>
    public ImmutableArray<EtcdMember> InOrder()
    {
        var now = _time.GetTimestamp();
        var members = _members;
        return [.. members.OrderBy(member => Volatile.Read(ref member.RestsUntil) > now ? 1 : 0)];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var member in _members.Concat(_retired))
            member.Dispose();
    }
}
