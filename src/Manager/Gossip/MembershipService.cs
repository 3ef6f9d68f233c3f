using System.Collections.Immutable;
using System.Security.Cryptography.X509Certificates;
using Akka.Remote.Transport.DotNetty;
using Berth.Identity;
using Berth.Manager.Leadership;
using Berth.Manager.Peers;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Telemetry;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Berth.Manager.Gossip;

/// <summary>Keeps this manager a member of the managers' Akka cluster while there are others, as <see cref="MembershipDecider"/> says.</summary>
internal sealed class MembershipService(
    PeerDirectory peers, PeerSightings sightings, TlsIdentity tls, IClusterView view, ILeadership leadership, AkkaParts parts,
    TimeProvider time, ILoggerFactory logs, ILogger<MembershipService> log) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);

    // Only so long is a certificate that was refused waited for before the membership is tried again.
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(10);

    private readonly GrowingPause _refusals = new(time, TimeSpan.FromMinutes(10));
    private ManagerMembership? _running;
    private string _thumbprint = "";
    private long _failedAt;
    private bool _hasFailed;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                if (tls.Current is { } identity && !(_hasFailed && time.GetElapsedTime(_failedAt) < RetryAfter))
                    await LookAsync(identity);
            }
        }
        finally
        {
            if (_running is not null)
                await _running.DisposeAsync();
        }
    }

    private async Task LookAsync(ProcessIdentity identity)
    {
        var own = _running?.Look(isOver: _thumbprint != identity.Certificate.Thumbprint);
        switch (MembershipDecider.Next(Managers(), peers.Me, own))
        {
            case MembershipStep.Start start:
                Start(identity, start.Seeds);
                break;
            case MembershipStep.Stop stop:
                log.LogInformation("The membership among managers ends: {Reason}", stop.Reason);
                await _running!.DisposeAsync();
                _running = null;
                break;
            case MembershipStep.Forget forget:
                log.LogInformation("Members that are gone are forgotten: {Addresses}", string.Join(", ", forget.Addresses));
                _running!.Forget(forget.Addresses);
                break;
        }
    }

    private void Start(ProcessIdentity identity, ImmutableArray<string> seeds)
    {
        var mine = peers.All.First(manager => manager.Node == peers.Me);
        var place = new Uri(mine.Url);
        var ssl = new DotNettySslSetup(
            identity.Certificate, suppressValidation: false, requireMutualAuthentication: true,
            (certificate, _, remote, _, _) => Believes(certificate, remote));
        var settings = new MembershipSettings(place.DnsSafeHost, place.Port + 1, peers.Me, ssl, parts.Scheduler, parts.RefusingSerializer);
        try
        {
            _running = ManagerMembership.Start(settings, seeds, time, logs, OnUnreachable);
            (_thumbprint, _hasFailed) = (identity.Certificate.Thumbprint, false);
            log.LogInformation("Joining the membership among managers at {Address}; the others are {Seeds}", $"{settings.Host}:{settings.Port}", string.Join(", ", seeds));
        }
        catch (Exception error)
        {
            // Whatever Akka throws at its start, mostly that the port is taken: managers do without, and it is tried again.
            (_failedAt, _hasFailed) = (time.GetTimestamp(), true);
            log.LogWarning("The membership among managers cannot listen on {Address}: {Problem}", $"{settings.Host}:{settings.Port}", error.Message);
        }
    }

    // Inbound as outbound: a manager of this cluster that the state knows, with the key it knows.
    private bool Believes(X509Certificate2? certificate, string remote)
    {
        var problem = certificate is null ? "no certificate was shown" : ProblemOf(certificate);
        // Who knocks without end must not fill the disk with it, whatever he shows each time.
        if (problem is not null && _refusals.IsDue("refused", out var unsaid))
            log.LogWarning("A connection with {Remote} on the managers' membership port was refused: {Problem} ({More} more were since this was said last)", remote, problem, unsaid);
        return problem is null;
    }

    private string? ProblemOf(X509Certificate2 certificate)
    {
        if (tls.ProblemOf(certificate, CertificateRole.Manager) is { } untrusted)
            return untrusted;
        if (!NodeCertificate.TryRead(certificate, out var subject, out var unread))
            return unread;
        return subject.NodeId is { } node
            ? NodeAdmission.Problem(view.Current, node, CertificateRole.Manager, NodeCertificate.KeyHash(certificate))
            : "it names no node";
    }

    private void OnUnreachable(NodeId node)
    {
        if (leadership.Current.Holder == node)
            leadership.LookNow();
    }

    private ImmutableArray<KnownManager> Managers() =>
    [
        .. peers.All.Select(manager => new KnownManager(
            manager.Node, PlaceOf(manager.Url), sightings.Find(manager.Node) is { IsReachable: true } seen ? seen.ReachableFor : TimeSpan.Zero)),
    ];

    // Akka writes addresses of IPv6 with brackets, as an URL does.
    private static string PlaceOf(string url) => new Uri(url) is var place ? $"{place.Host}:{place.Port + 1}" : "";
}

/// <summary>Parts of the manager's own actor system that the membership's uses too.</summary>
/// <param name="Scheduler">Akka's scheduler.</param>
/// <param name="RefusingSerializer">Stands where Akka would use JSON.</param>
internal sealed record AkkaParts(Type Scheduler, Type RefusingSerializer);
