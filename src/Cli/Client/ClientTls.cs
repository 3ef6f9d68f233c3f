using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Berth.Identity;

namespace Berth.Cli.Client;

/// <summary>Who this client is on network connections: a context's certificate.</summary>
/// <param name="identity">Key, certificate and whom it trusts.</param>
/// <param name="context">The context it belongs to.</param>
/// <param name="time">The clock certificates are judged by.</param>
internal sealed class ClientTls(ProcessIdentity identity, string context, TimeProvider time)
{
    private readonly TlsIdentity _identity = new(identity, time);

    /// <summary>The context, for errors.</summary>
    public string Context => context;

    /// <summary>What its certificate says.</summary>
    public NodeCertificate Client => identity.Subject;

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
