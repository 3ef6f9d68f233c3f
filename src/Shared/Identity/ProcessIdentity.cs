using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Berth.Identity;

/// <summary>Who a process is, and whom it trusts: its certificate with the key, and the authorities.</summary>
public sealed class ProcessIdentity
{
    private ProcessIdentity(NodeCertificate subject, X509Certificate2 certificate, X509Certificate2Collection roots) =>
        (Subject, Certificate, Roots) = (subject, certificate, roots);

    /// <summary>What its certificate says.</summary>
    public NodeCertificate Subject { get; }

    /// <summary>Its certificate, with the key.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>Every authority it trusts, the signing one first.</summary>
    public X509Certificate2Collection Roots { get; }

    /// <summary>The trusted authorities as PEM.</summary>
    public string RootsPem => Pem.Of(Roots);

    /// <summary>An identity from PEM, or throws <see cref="FormatException"/> that says what does not fit.</summary>
    public static ProcessIdentity Read(string certificatePem, string keyPem, string rootsPem)
    {
        using var key = Pem.Key(keyPem, "the key");
        return From(Pem.One(certificatePem, "the certificate"), key, Pem.Many(rootsPem, "the authorities"));
    }

    /// <summary>An identity from its parts, or throws <see cref="FormatException"/> that says what does not fit.</summary>
    public static ProcessIdentity From(X509Certificate2 certificate, ECDsa key, X509Certificate2Collection roots)
    {
        if (!Pem.Belong(certificate, key))
            throw new FormatException("the key is not the one of the certificate");
        if (!NodeCertificate.TryRead(certificate, out var subject, out var problem))
            throw new FormatException($"the certificate is no cluster's: {problem}");
        return new ProcessIdentity(subject, certificate.CopyWithPrivateKey(key), roots);
    }

    /// <summary>When to ask for a new certificate: at half of its life, a tenth earlier or later by chance, so that nodes
    /// that joined together do not all come back together.</summary>
    /// <param name="subject">The present certificate.</param>
    /// <param name="chance">Between 0 and 1.</param>
    public static DateTimeOffset RenewAt(NodeCertificate subject, double chance)
    {
        var life = subject.NotAfter - subject.NotBefore;
        return subject.NotBefore + life * (0.45 + 0.1 * Math.Clamp(chance, 0, 1));
    }
}
