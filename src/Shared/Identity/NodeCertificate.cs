using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Berth.Model;

namespace Berth.Identity;

/// <summary>What the holder of a certificate is; its OU.</summary>
public enum CertificateRole
{
    /// <summary>An agent; CN is its node's id.</summary>
    Worker,
    /// <summary>A manager process; CN is its host's node id.</summary>
    Manager,
    /// <summary>A person or tool; CN is its name.</summary>
    Client,
}

/// <summary>What a certificate of the cluster says: O is the cluster, OU the role, CN who.</summary>
/// <remarks>Reading proves nothing: <see cref="TlsIdentity"/> checks the chain, the state says who still belongs to the cluster.</remarks>
/// <param name="Cluster">The cluster it is for.</param>
/// <param name="Role">What its holder is.</param>
/// <param name="Name">Node id of a worker or manager, name of a client.</param>
/// <param name="NotBefore">Valid from.</param>
/// <param name="NotAfter">Valid until.</param>
/// <param name="Serial">Its serial number, hexadecimal.</param>
public sealed record NodeCertificate(
    ClusterId Cluster, CertificateRole Role, string Name, DateTimeOffset NotBefore, DateTimeOffset NotAfter, string Serial)
{
    private const string Common = "2.5.4.3", Organization = "2.5.4.10", Unit = "2.5.4.11";

    /// <summary>The node's id; null for a client.</summary>
    public NodeId? NodeId => Role != CertificateRole.Client && Model.NodeId.TryParse(Name, out var id) ? id : null;

    /// <summary>Whether it is valid at <paramref name="now"/>.</summary>
    public bool IsValidAt(DateTimeOffset now) => now >= NotBefore && now <= NotAfter;

    /// <summary>Reads a certificate of a cluster.</summary>
    /// <param name="certificate">Any certificate.</param>
    /// <param name="read">What it says.</param>
    /// <param name="problem">Why it is none of a cluster's.</param>
    public static bool TryRead(
        X509Certificate2 certificate, [NotNullWhen(true)] out NodeCertificate? read, [NotNullWhen(false)] out string? problem)
    {
        read = null;
        string? name, organization, unit;
        try
        {
            (name, organization, unit) = Subject(certificate);
        }
        catch (Exception error) when (error is CryptographicException or AsnContentException or InvalidOperationException)
        {
            problem = $"the subject of certificate {certificate.SerialNumber} cannot be read: {error.Message}";
            return false;
        }
        problem = Problem(name, organization, unit, out var cluster, out var role);
        if (problem is not null)
            return false;
        read = new NodeCertificate(
            cluster, role, name!, Utc(certificate.NotBefore), Utc(certificate.NotAfter), certificate.SerialNumber);
        return true;
    }

    /// <summary>The word in OU.</summary>
    public static string WordOf(CertificateRole role) => role switch
    {
        CertificateRole.Worker => "worker",
        CertificateRole.Manager => "manager",
        CertificateRole.Client => "client",
        _ => throw new ArgumentOutOfRangeException(nameof(role), role, "not a role"),
    };

    /// <summary>SHA-256 of a certificate's public key: what the state remembers a node by.</summary>
    public static string KeyHash(X509Certificate2 certificate) => KeyHash(certificate.PublicKey);

    /// <summary>SHA-256 of a public key, hexadecimal.</summary>
    public static string KeyHash(PublicKey key) => Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));

    private static string? Problem(string? name, string? organization, string? unit, out ClusterId cluster, out CertificateRole role)
    {
        role = default;
        if (!ClusterId.TryParse(organization, out cluster))
            return $"its O is '{organization}', which is no cluster's id";
        switch (unit)
        {
            case "worker":
                role = CertificateRole.Worker;
                break;
            case "manager":
                role = CertificateRole.Manager;
                break;
            case "client":
                role = CertificateRole.Client;
                break;
            default:
                return $"its OU is '{unit}', not worker, manager or client";
        }
        if (string.IsNullOrEmpty(name))
            return "it has no CN";
        return role == CertificateRole.Client || Model.NodeId.TryParse(name, out _) ? null : $"its CN is '{name}', which is no node's id";
    }

    // Of each kind the only one: with two of them, two readers could see different subjects.
    private static (string? Name, string? Organization, string? Unit) Subject(X509Certificate2 certificate)
    {
        string? name = null, organization = null, unit = null;
        foreach (var part in certificate.SubjectName.EnumerateRelativeDistinguishedNames())
        {
            switch (part.GetSingleElementType().Value)
            {
                case Common:
                    Set(ref name, part);
                    break;
                case Organization:
                    Set(ref organization, part);
                    break;
                case Unit:
                    Set(ref unit, part);
                    break;
            }
        }
        return (name, organization, unit);
    }

    private static void Set(ref string? field, X500RelativeDistinguishedName part)
    {
        if (field is not null)
            throw new InvalidOperationException($"it names {part.GetSingleElementType().FriendlyName} twice");
        field = part.GetSingleElementValue();
    }

    private static DateTimeOffset Utc(DateTime local) => new(local.ToUniversalTime(), TimeSpan.Zero);
}
