using System.Security.Authentication;
using Berth.Identity;
using Berth.Model;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace Berth.Agent.Membership;

/// <summary>What a manager's answer to an enrolment means for the rest of the agent.</summary>
public interface IMembershipMemory
{
    /// <summary>This node's id.</summary>
    NodeId Node { get; }

    /// <summary>Managers to ask for a certificate, the best first; only those that are reached over TLS.</summary>
    IReadOnlyList<Uri> Managers { get; }

    /// <summary>A certificate came, and with it the cluster and its managers.</summary>
    Task RememberAsync(ClusterId cluster, IReadOnlyList<(string Node, Uri Url)> managers, CancellationToken cancellation);
}

/// <summary>Keeps this node's membership: joins when that is wished, renews its certificate, notices a wish to leave.</summary>
/// <remarks>The key is made on this host and never leaves it. What is decided when: <see cref="RenewalPlan"/>.</remarks>
public sealed class NodeMembership(MembershipFiles files, IMembershipMemory memory, Func<JoinWish, Joiner> describe, Random chance, ILogger log, TimeProvider time)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);

    // A person waits while a host joins.
    private static readonly TimeSpan LookForWishEvery = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(5);

    private readonly EnrollmentCalls _calls = new(time);
    private readonly TaskCompletionSource _joined = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _leaving = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private double _chance = chance.NextDouble();
    private DateTimeOffset? _wantedBy;
    private DateTimeOffset _lastAttempt;
    private int _failures;
    private string _manager = "";
    private string _refusal = "";
    private string _trouble = "";
    private string _role = "";

    /// <summary>Who this node is; null before it joined.</summary>
    public TlsIdentity? Identity { get; private set; }

    /// <summary>Completes once there is an identity.</summary>
    public Task Joined => _joined.Task;

    /// <summary>Completes when somebody wants the node to leave.</summary>
    public Task Leaving => _leaving.Task;

    /// <summary>Whether managers would turn the present certificate away.</summary>
    public bool IsExpired => Identity?.Current is { } current && time.GetUtcNow() > current.Subject.NotAfter;

    /// <summary>Takes up the identity that is on disk. Before <see cref="RunAsync"/>.</summary>
    /// <exception cref="InvalidDataException">It is there and cannot be used.</exception>
    public void Load()
    {
        if (files.Identity.Load() is { } identity)
            Become(identity);
        Say();
    }

    /// <summary>Runs until the agent stops.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(Identity is null ? LookForWishEvery : LookEvery, time);
        try
        {
            do
            {
                if (files.IsLeaveWished)
                    _leaving.TrySetResult();
                else if (files.ReadJoinWish() is { } wish)
                    await OnWishAsync(wish, stopping).ConfigureAwait(false);
                else if (Identity?.Current is { } current && time.GetUtcNow() >= NextRenewal(current.Subject))
                    await RenewAsync(stopping).ConfigureAwait(false);
            }
            while (await NextLookAsync(timer, stopping).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Whatever was being asked for is asked for again at the next start.
        }
    }

    /// <summary>A session began, or (null) is over.</summary>
    public void Uses(Uri? manager)
    {
        _manager = manager?.OriginalString ?? "";
        if (manager is not null)
            _refusal = "";
        Say();
    }

    /// <summary>A manager refused the node.</summary>
    public void Refused(string reason)
    {
        _refusal = reason;
        Say();
    }

    /// <summary>Something that keeps it from having a session, for people.</summary>
    public void Lacks(string trouble) => SayTrouble(trouble);

    /// <summary>A manager says whom to trust from now on.</summary>
    /// <param name="authorityPem">All authorities.</param>
    /// <param name="renewNow">Whether a certificate of the newest is wanted at once.</param>
    /// <param name="spread">Over which time agents spread that are told so together.</param>
    public void TrustChanged(string authorityPem, bool renewNow, TimeSpan spread)
    {
        if (Identity is not { } identity)
            return;
        try
        {
            files.Identity.SaveRoots(authorityPem);
            identity.Trust(Pem.Many(authorityPem, "the authorities"));
        }
        catch (Exception wrong) when (wrong is FormatException or IOException or UnauthorizedAccessException)
        {
            log.LogError("the cluster's authorities could not be taken over: {Reason}; the earlier ones stay, the next session brings them again", wrong.Message);
            return;
        }
        log.LogInformation("trust changed: {Count} authorities{Renewing}", identity.Roots.Count, renewNow ? ", renewing the certificate" : "");
        if (renewNow)
        {
            lock (_lock)
                _wantedBy = time.GetUtcNow() + spread * chance.NextDouble();
        }
    }

    /// <summary>The node has left: nothing of its membership is kept. Its next start is as a new node.</summary>
    public void Forget()
    {
        files.Identity.Remove();
        files.Write(new AgentStatus(JoinState.Unjoined, ""));
    }

    private ValueTask<bool> NextLookAsync(PeriodicTimer timer, CancellationToken stopping)
    {
        var period = Identity is null ? LookForWishEvery : LookEvery;
        if (timer.Period != period)
            timer.Period = period;
        return timer.WaitForNextTickAsync(stopping);
    }

    private DateTimeOffset NextRenewal(NodeCertificate subject)
    {
        lock (_lock)
            return RenewalPlan.NextAttempt(subject, _chance, _failures, _lastAttempt, _wantedBy);
    }

    private async Task OnWishAsync(string text, CancellationToken stopping)
    {
        if (Identity?.Current is { } member && _refusal.Length == 0)
        {
            files.RemoveJoinWish();
            log.LogError("join.json is not followed: this node belongs to cluster {Cluster} already; leave it first with: berth cluster leave", member.Subject.Cluster);
            return;
        }
        if (Identity is not null)
        {
            // The cluster that removed it will not have it back under this id: it leaves first, and then joins as a new node.
            log.LogInformation("this node was refused and is to join anew: it leaves first");
            _leaving.TrySetResult();
            return;
        }
        JoinWish wish;
        try
        {
            wish = JoinWish.Read(text);
        }
        catch (FormatException wrong)
        {
            Reject(wrong.Message);
            return;
        }
        await JoinAsync(wish, stopping).ConfigureAwait(false);
    }

    private async Task JoinAsync(JoinWish wish, CancellationToken stopping)
    {
        _refusal = "";
        for (var attempt = 0; !stopping.IsCancellationRequested && files.ReadJoinWish() is not null; attempt++)
        {
            files.Write(new AgentStatus(JoinState.Joining, memory.Node.ToString(), Error: _trouble));
            var manager = wish.Managers[attempt % wish.Managers.Count];
            try
            {
                var answer = await _calls.JoinAsync(manager, wish, describe(wish), files.Identity, stopping).ConfigureAwait(false);
                await TakeAsync(answer, stopping).ConfigureAwait(false);
                files.RemoveJoinWish();
                log.LogInformation("joined cluster {Cluster} as node {Node}", answer.ClusterId, memory.Node);
                return;
            }
            catch (AuthenticationException wrong)
            {
                Reject($"{manager}: {wrong.Message}");
                return;
            }
            catch (RpcException refused) when (EnrollmentCalls.IsRefusal(refused))
            {
                Reject($"{manager}: {refused.Status.Detail}");
                return;
            }
            catch (Exception broken) when (IsPassing(broken, stopping))
            {
                _trouble = $"{manager} cannot be asked: {Reason(broken)}; trying again";
                log.LogWarning("cannot join yet: {Trouble}", _trouble);
            }
            var pause = TimeSpan.FromSeconds(Math.Min(0.25 * Math.Pow(2, attempt / wish.Managers.Count), LongestRetry.TotalSeconds)) * (0.5 + chance.NextDouble() / 2);
            await Task.Delay(pause, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Reject(string reason)
    {
        // A token that was refused once is refused again: it is not tried until somebody says so.
        files.RemoveJoinWish();
        _refusal = reason;
        log.LogError("this host may not join: {Reason}", reason);
        Say();
    }

    private async Task RenewAsync(CancellationToken stopping)
    {
        _lastAttempt = time.GetUtcNow();
        foreach (var manager in memory.Managers)
        {
            try
            {
                await TakeAsync(await _calls.RenewAsync(manager, memory.Node, Identity!, files.Identity, stopping).ConfigureAwait(false), stopping).ConfigureAwait(false);
                log.LogInformation("the certificate was renewed; it is valid until {Until:u}", Identity!.Current!.Subject.NotAfter);
                return;
            }
            catch (RpcException refused) when (EnrollmentCalls.IsRefusal(refused))
            {
                SayTrouble(IsExpired
                    ? $"its certificate expired at {Identity!.Current!.Subject.NotAfter:u} and awaits approval: {refused.Status.Detail}"
                    : $"its certificate was not renewed: {refused.Status.Detail}");
                break;
            }
            catch (Exception broken) when (IsPassing(broken, stopping))
            {
                SayTrouble($"its certificate, valid until {Identity!.Current!.Subject.NotAfter:u}, was not renewed: {manager} cannot be asked: {Reason(broken)}");
            }
        }
        _failures++;
    }

    private async Task TakeAsync(Protocol.V1.Identity answer, CancellationToken stopping)
    {
        using (var shown = Pem.One(answer.CertificatePem, "the certificate"))
        {
            // Before it is stored: the next start takes up whatever is on disk.
            if (!NodeCertificate.TryRead(shown, out var subject, out var problem))
                throw new InvalidDataException($"the certificate is no cluster's: {problem}");
            if (subject.NodeId != memory.Node || subject.Role != CertificateRole.Worker)
                throw new InvalidDataException($"the certificate is for {subject.Role} {subject.Name}, not for the agent of node {memory.Node}");
        }
        var identity = files.Identity.Save(answer.CertificatePem, answer.AuthorityPem);
        await memory.RememberAsync(
            identity.Subject.Cluster, [.. answer.Managers.Where(manager => manager.Url.Length > 0).Select(manager => (manager.NodeId, new Uri(manager.Url)))],
            stopping).ConfigureAwait(false);
        lock (_lock)
            (_failures, _wantedBy, _chance, _trouble) = (0, null, chance.NextDouble(), "");
        _role = answer.Role == Protocol.V1.NodeRole.Manager ? "manager" : "worker";
        Become(identity);
        Say();
    }

    private void Become(ProcessIdentity identity)
    {
        if (Identity is { } live)
            live.Swap(identity);
        else
            Identity = new TlsIdentity(identity, time);
        _joined.TrySetResult();
    }

    private void SayTrouble(string trouble)
    {
        // Said once, and again when it changes: it is tried for as long as it takes.
        if (trouble != _trouble)
            log.LogWarning("{Trouble}", trouble);
        _trouble = trouble;
        Say();
    }

    private void Say()
    {
        var state = _refusal.Length > 0 ? JoinState.Refused
            : _leaving.Task.IsCompleted ? JoinState.Leaving
            : Identity is not null || _manager.Length > 0 ? JoinState.Joined
            : JoinState.Unjoined;
        files.Write(new AgentStatus(
            state, memory.Node.ToString(), Identity?.Current?.Subject.Cluster.ToString() ?? "", _manager, _refusal.Length > 0 ? _refusal : _trouble, _role));
    }

    private static bool IsPassing(Exception error, CancellationToken stopping) =>
        !stopping.IsCancellationRequested
        && error is RpcException or OperationCanceledException or IOException or HttpRequestException or InvalidDataException or FormatException;

    private static string Reason(Exception error) => error switch
    {
        OperationCanceledException => "it did not answer in time",
        RpcException { Status.DebugException: { } cause } => Innermost(cause).Message,
        RpcException rpc => rpc.Status.Detail,
        _ => error.Message,
    };

    private static Exception Innermost(Exception error) => error.InnerException is { } inner ? Innermost(inner) : error;
}
