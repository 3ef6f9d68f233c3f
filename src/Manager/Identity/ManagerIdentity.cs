using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Akka.Actor;
using Akka.Hosting;
using Berth.Identity;
using Berth.Manager.Leadership;
using Berth.Manager.Store;
using Berth.Model;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Identity;

/// <summary>Gives this manager its identity, keeps it fresh, and takes the cluster's rotations on while it leads.</summary>
/// <remarks>The first manager of a cluster makes the authority and signs for itself. Once a second it looks whether its
/// certificate is due, or whom the cluster trusts has changed; new connections use what it finds, open ones stay.</remarks>
public sealed class ManagerIdentity(
    ManagerFile file, IdentityFiles files, TlsIdentity tls, IClusterView view, ILeadership leadership, IRequiredActor<StoreActor> store,
    CertificateSigner signer, PeerChannels peers, TimeProvider time, ILogger<ManagerIdentity> log) : BackgroundService
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StoreTime = TimeSpan.FromSeconds(10);

    // A failed renewal is tried again after this; the certificate has half its life left when the first one fails.
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(10);

    private readonly double _chance = RandomNumberGenerator.GetInt32(1_000) / 1_000.0;
    private readonly Lock _gate = new();
    private long? _failedAt;
    private string _failure = "";
    private string _earlierPem = "";

    /// <summary>Has an identity before the first network address is listened on.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        if (tls.Current is { } own && view.Current.ClusterId is { } cluster && own.Subject.Cluster != cluster)
        {
            throw new InvalidDataException(
                $"this manager's certificate is of cluster {own.Subject.Cluster}, and its store holds cluster {cluster}. Point manager.json at the "
                + $"store of its cluster, or remove {files.Directory} to make it a manager of the other one");
        }
        if (view.Current.Trust is null && leadership.IsLeading)
            await EstablishAsync(cancellationToken);
        if (tls.Current is not { } held || !IsMember(held))
            await JoinOwnAsync(cancellationToken);
        else if (!held.Subject.IsValidAt(time.GetUtcNow()))
            await RenewAsync(cancellationToken);
        FollowEarlier();
        await base.StartAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(LookEvery, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                await LookAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The manager stops.
        }
    }

    private async Task LookAsync(CancellationToken cancellation)
    {
        if (_failedAt is { } failedAt && time.GetElapsedTime(failedAt) < RetryAfter)
            return;
        try
        {
            FollowTrust();
            FollowEarlier();
            if (IsDue())
                await RenewAsync(cancellation);
            if (leadership.IsLeading && AuthorityRotation.Next(view.Current, time.GetUtcNow()) is { } next)
            {
                await ExecuteAsync(new Command.AdvanceRotation(), cancellation);
                log.LogInformation("The rotation of the authority goes on: {Phase}, {Digest} signs, certificates of clients of {Count} earlier ones are believed",
                    next.Phase, next.Signing.Digest, next.Retired.Count);
            }
            (_failedAt, _failure) = (null, "");
        }
        catch (Exception error) when (error is RpcException or IOException or AskTimeoutException or InvalidDataException or TimeoutException)
        {
            _failedAt = time.GetTimestamp();
            var reason = error is RpcException refused ? refused.Status.Detail : error.Message;
            if (reason != _failure)
                log.LogWarning("The manager's identity could not be kept fresh: {Reason}; tried again every {Seconds:0} s", reason, RetryAfter.TotalSeconds);
            _failure = reason;
        }
    }

    private bool IsDue() =>
        tls.Current is { } identity
        && (time.GetUtcNow() >= ProcessIdentity.RenewAt(identity.Subject, _chance)
            || AuthorityRotation.MustRenew(view.Current, file.NodeId, CertificateRole.Manager, time.GetUtcNow()));

    private bool IsMember(ProcessIdentity identity) =>
        view.Current.Trust is null
        || NodeAdmission.Problem(view.Current, file.NodeId, CertificateRole.Manager, NodeCertificate.KeyHash(identity.Certificate)) is null;

    // What the cluster trusts now is stored before it is said to be trusted.
    private void FollowTrust()
    {
        if (view.Current.Trust is not { } trust || tls.Current is null)
            return;
        var roots = Pem.Many(trust.RootsPem, "the cluster's authorities");
        if (roots.Select(root => root.Thumbprint).SequenceEqual(tls.Roots.Select(root => root.Thumbprint)))
            return;
        files.SaveRoots(trust.RootsPem);
        tls.Trust(roots);
        log.LogInformation("The cluster's authorities are now {Digests}", string.Join(", ", roots.Select(JoinToken.DigestOf)));
    }

    private void FollowEarlier()
    {
        var pem = view.Current.Trust?.RetiredPem ?? "";
        if (pem == _earlierPem)
            return;
        tls.TrustClientsOf(pem.Length > 0 ? Pem.Many(pem, "the cluster's earlier authorities") : []);
        _earlierPem = pem;
    }

    private async Task EstablishAsync(CancellationToken cancellation)
    {
        var cluster = view.Current.ClusterId ?? throw new InvalidOperationException("the cluster has no id yet");
        using var authority = CertificateAuthority.Create(cluster, time.GetUtcNow(), CertificateAuthority.DefaultValidity);
        await ExecuteAsync(new Command.EstablishTrust(new ClusterTrust
        {
            Signing = new AuthorityRecord(authority.CertificatePem, authority.KeyPem),
            WorkerSecret = Convert.ToHexStringLower(JoinToken.NewSecret()),
            ManagerSecret = Convert.ToHexStringLower(JoinToken.NewSecret()),
        }), cancellation);
        log.LogInformation("The cluster's certificate authority is {Digest}", JoinToken.DigestOf(authority.Certificate));
    }

    private Task JoinOwnAsync(CancellationToken cancellation) => leadership.IsLeading
        ? AdmitSelfAsync(cancellation)
        : throw new InvalidDataException(
            $"this manager is no manager of the cluster: {(tls.Current is null ? "it has no certificate" : "it was demoted or removed")}. "
            + "To join, run berth cluster leave and then berth cluster join on its host");

    // The manager that forms a cluster, or one whose identity was lost: it holds the state, so it may sign for itself.
    private async Task AdmitSelfAsync(CancellationToken cancellation)
    {
        var (certificate, csr) = await SignAsync(cancellation);
        using (certificate)
        {
            await ExecuteAsync(
                new Command.AdmitNode(file.NodeId, NodeRole.Manager, CertificateRole.Manager, file.Hostname, file.Address, Held(certificate, csr)),
                cancellation);
            Save(certificate.ExportCertificatePem() + "\n", TrustOf().RootsPem);
        }
    }

    private async Task RenewAsync(CancellationToken cancellation)
    {
        if (leadership.IsLeading)
        {
            var (certificate, csr) = await SignAsync(cancellation);
            using (certificate)
            {
                // It leads: nobody could approve what it does with a key that it holds.
                await ExecuteAsync(new Command.RenewCertificate(file.NodeId, CertificateRole.Manager, Held(certificate, csr), IsExpired: false), cancellation);
                Save(certificate.ExportCertificatePem() + "\n", TrustOf().RootsPem);
            }
            return;
        }
        using var channel = PeerOf(leadership.Current.Url);
        using var key = files.LoadOrMakeKey();
        var request = new V1.RenewRequest
        {
            SigningRequest = Google.Protobuf.ByteString.CopyFrom(SigningRequest.Make(key, file.NodeId.ToString())),
            Trusted = { tls.Roots.Select(JoinToken.DigestOf) },
        };
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(StoreTime);
        var answer = await new V1.Enrollment.EnrollmentClient(channel).RenewAsync(request, cancellationToken: patience.Token);
        Save(answer.CertificatePem, answer.AuthorityPem);
    }

    private GrpcChannel PeerOf(string url) => url.Length > 0
        ? peers.Dial(url)
        : throw new TimeoutException("no manager leads just now");

    private async Task<(X509Certificate2 Certificate, SigningRequest Request)> SignAsync(CancellationToken cancellation)
    {
        using var key = files.LoadOrMakeKey();
        var csr = SigningRequest.Read(SigningRequest.Make(key, file.NodeId.ToString()));
        var certificate = await signer.SignAsync(
            csr, CertificateRole.Manager, file.NodeId.ToString(), view.Current.Settings.CertificateValidity, cancellation);
        return (certificate, csr);
    }

    private HeldCertificate Held(X509Certificate2 certificate, SigningRequest csr) => new(
        csr.KeyHash, certificate.SerialNumber, new DateTimeOffset(certificate.NotAfter.ToUniversalTime(), TimeSpan.Zero),
        TrustOf().Signing.Digest, HeldCertificate.Saying(tls.Current is null ? TrustOf().Digests : tls.Roots.Select(JoinToken.DigestOf)));

    private ClusterTrust TrustOf() => view.Current.Trust ?? throw new TimeoutException("the cluster has no certificate authority yet");

    private void Save(string certificatePem, string rootsPem)
    {
        Use(files.Save(certificatePem, rootsPem));
        log.LogInformation("The manager's certificate {Serial} is valid until {Until:u}", tls.Current!.Subject.Serial, tls.Current.Subject.NotAfter);
    }

    private void Use(ProcessIdentity identity)
    {
        lock (_gate)
            tls.Swap(identity);
    }

    private async Task ExecuteAsync(Command command, CancellationToken cancellation)
    {
        var actor = await store.GetAsync(cancellation);
        switch (await actor.Ask<object>(new StoreProtocol.Execute(command), StoreTime, cancellation))
        {
            case StoreProtocol.Executed:
                return;
            case StoreProtocol.Refused refused:
                throw new InvalidDataException(refused.Message);
            case Akka.Actor.Status.Failure failure:
                throw new TimeoutException(failure.Cause?.Message ?? "the store could not write");
            case var other:
                throw new InvalidOperationException($"the store answered {command.GetType().Name} with {other.GetType().Name}");
        }
    }
}
