using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Berth.Identity;
using Berth.Protocol.V1;
using Grpc.Core;

namespace Berth.Cli.Client;

/// <summary>Who this client is on network connections: a context's certificate.</summary>
/// <param name="identity">Key, certificate and whom it trusts.</param>
/// <param name="context">The context it belongs to.</param>
/// <param name="time">The clock certificates are judged by.</param>
/// <param name="keep">Stores whom to trust from now on, PEM; null where nothing is kept.</param>
internal sealed class ClientTls(ProcessIdentity identity, string context, TimeProvider time, Action<string>? keep = null)
{
    private readonly TlsIdentity _identity = new(identity, time);

    /// <summary>The context, for errors.</summary>
    public string Context => context;

    /// <summary>What its certificate says.</summary>
    public NodeCertificate Client => identity.Subject;

    /// <summary>After a rotation of the cluster's authority: asks a manager, trusting nobody, whom the cluster trusts now, and believes that as far
    /// as an authority vouches for it that the context trusts already.</summary>
    /// <param name="dial">A channel to the manager with these options.</param>
    /// <param name="cancel">Gives up.</param>
    /// <returns>Digests of those trusted from now on; null when nothing was learnt.</returns>
    public async Task<string?> Learn(Func<SslClientAuthenticationOptions, CallInvoker> dial, CancellationToken cancel)
    {
        try
        {
            var trust = await new Enrollment.EnrollmentClient(dial(Joining.TrustingNobody())).GetTrustAsync(new GetTrustRequest(), cancellationToken: cancel);
            var learned = Berth.Identity.AuthorityEndorsement.Follow(
                _identity.Roots, Pem.Many(trust.AuthorityPem, "what answered as a manager"), trust.EarlierPem.Length > 0 ? Pem.Many(trust.EarlierPem, "what answered as a manager") : [],
                trust.Endorsements.Select(word => new Berth.Identity.AuthorityEndorsement(word.By, word.Of, word.Signature)), time.GetUtcNow());
            if (learned is null)
                return null;
            _identity.Trust(learned);
            keep?.Invoke(Pem.Of(learned));
            return string.Join(", ", learned.Select(Berth.Identity.JoinToken.DigestOf));
        }
        catch (Exception error) when (error is RpcException or FormatException)
        {
            // Whoever answers has nothing to say that could be believed; the refusal stands.
            return null;
        }
    }

    /// <summary>How a manager is dialled.</summary>
    /// <param name="refused">Told why, when this side does not accept who answers.</param>
    public SslClientAuthenticationOptions Options(Action<string> refused)
    {
        var options = _identity.ForClient(CertificateRole.Manager);
        var accept = options.RemoteCertificateValidationCallback!;
        options.RemoteCertificateValidationCallback = (sender, certificate, chain, errors) =>
        {
            if (accept(sender, certificate, chain, errors))
                return true;
            refused(certificate is X509Certificate2 shown && _identity.ProblemOf(shown, CertificateRole.Manager) is { } problem ? problem : "it shows no certificate of a manager");
            return false;
        };
        return options;
    }
}

/// <summary>What is known of a handshake, for errors.</summary>
/// <param name="Context">The context whose certificate was shown.</param>
/// <param name="Client">What that certificate says.</param>
/// <param name="Refusal">Why this side did not accept who answered; null when it did, or nobody did.</param>
internal sealed record TlsFacts(string Context, NodeCertificate Client, string? Refusal);
