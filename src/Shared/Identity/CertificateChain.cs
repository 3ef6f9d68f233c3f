using System.Security.Cryptography.X509Certificates;

namespace Berth.Identity;

/// <summary>Judges whether a certificate goes back to a trusted authority.</summary>
internal static class CertificateChain
{
    private const string ServerUse = "1.3.6.1.5.5.7.3.1", ClientUse = "1.3.6.1.5.5.7.3.2";

    /// <summary>Why the chain is not accepted; null when it is.</summary>
    /// <param name="certificate">The holder's certificate.</param>
    /// <param name="presented">What came with it; null when nothing did.</param>
    /// <param name="roots">The only authorities that count.</param>
    /// <param name="forServer">Whether it must be good for answering rather than for calling.</param>
    /// <param name="allowExpired">Whether the certificate itself may be expired; its authority never may.</param>
    /// <param name="now">By which clock.</param>
    public static string? Problem(
        X509Certificate2 certificate, X509Chain? presented, X509Certificate2Collection roots, bool forServer, bool allowExpired, DateTimeOffset now)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(roots);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTimeIgnored = false;
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        chain.ChainPolicy.ApplicationPolicy.Add(new(forServer ? ServerUse : ClientUse));
        if (presented is not null)
            chain.ChainPolicy.ExtraStore.AddRange(presented.ChainPolicy.ExtraStore);
        // A certificate that has not begun yet is refused either way: only age is forgiven.
        if (allowExpired && now.UtcDateTime > certificate.NotAfter.ToUniversalTime())
        {
            chain.ChainPolicy.VerificationFlags = X509VerificationFlags.IgnoreNotTimeValid;
            if (!chain.Build(certificate))
                return Text(chain);
            return chain.ChainElements.Skip(1).Any(element => now.UtcDateTime > element.Certificate.NotAfter.ToUniversalTime())
                ? "its authority has expired"
                : null;
        }
        return chain.Build(certificate) ? null : Text(chain);
    }

    private static string Text(X509Chain chain) =>
        string.Join("; ", chain.ChainStatus.Select(status => $"{status.Status}: {status.StatusInformation.Trim().TrimEnd('.')}"));
}
