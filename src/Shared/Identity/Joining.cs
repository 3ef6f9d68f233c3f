using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Berth.Model;
using Berth.Protocol.V1;
using Grpc.Core;

namespace Berth.Identity;

/// <summary>What a host says of itself when it joins.</summary>
/// <param name="Node">Its id.</param>
/// <param name="Hostname">Its name.</param>
/// <param name="Address">Where others reach it, an IP address.</param>
/// <param name="Role">What the certificate is for: the agent or a manager.</param>
public sealed record Joiner(NodeId Node, string Hostname, string Address, CertificateRole Role);

/// <summary>The caller's side of enrolment, the same for agents and managers.</summary>
/// <remarks>In two steps on two connections. First, without trusting anybody, the authorities are asked for; the one the
/// token names must be among them. Then that one alone is trusted, and only whoever proves to be a manager of its cluster is
/// given the token's secret. A man in the middle can fail the join, and learns nothing.</remarks>
public static class Joining
{
    /// <summary>Enrols at one manager. Throws <see cref="RpcException"/> as the manager or the connection says, or
    /// <see cref="AuthenticationException"/> when whoever answers is not of the token's cluster.</summary>
    /// <param name="token">The token.</param>
    /// <param name="joiner">Who joins.</param>
    /// <param name="key">Its key.</param>
    /// <param name="dial">Opens a channel to the manager with these options; the caller closes it after the call.</param>
    /// <param name="time">The clock certificates are judged by.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<Protocol.V1.Identity> JoinAsync(
        JoinToken token, Joiner joiner, ECDsa key, Func<SslClientAuthenticationOptions, CallInvoker> dial, TimeProvider time,
        CancellationToken cancellation)
    {
        var trust = await new Enrollment.EnrollmentClient(dial(TrustingNobody()))
            .GetTrustAsync(new GetTrustRequest(), cancellationToken: cancellation);
        var authority = FindPinned(token, trust.AuthorityPem);
        var tls = TlsIdentity.WithoutCertificate([authority], null, time);
        return await new Enrollment.EnrollmentClient(dial(tls.ForClient(CertificateRole.Manager))).EnrollAsync(
            new EnrollRequest
            {
                Token = token.Format(),
                SigningRequest = Google.Protobuf.ByteString.CopyFrom(SigningRequest.Make(key, joiner.Node.ToString())),
                NodeId = joiner.Node.ToString(),
                Hostname = joiner.Hostname,
                Address = joiner.Address,
                CertificateRole = joiner.Role == CertificateRole.Manager ? Protocol.V1.NodeRole.Manager : Protocol.V1.NodeRole.Worker,
            },
            cancellationToken: cancellation);
    }

    /// <summary>Options that accept whoever answers, for <c>GetTrust</c> only: what it says is checked against the token.</summary>
    public static SslClientAuthenticationOptions TrustingNobody() => new()
    {
        EnabledSslProtocols = SslProtocols.Tls13,
        AllowTlsResume = false,
#pragma warning disable CA5359 // Nobody is believed on this connection: the token's digest judges what it answers.
        RemoteCertificateValidationCallback = (_, _, _, _) => true,
#pragma warning restore CA5359
    };

    /// <summary>The authority the token names among <paramref name="authorityPem"/>, or throws
    /// <see cref="AuthenticationException"/>.</summary>
    public static X509Certificate2 FindPinned(JoinToken token, string authorityPem)
    {
        X509Certificate2Collection shown;
        try
        {
            shown = Pem.Many(authorityPem, "what answered as a manager");
        }
        catch (FormatException error)
        {
            throw new AuthenticationException(error.Message, error);
        }
        return shown.FirstOrDefault(token.Pins) ?? throw new AuthenticationException(
            "whoever answers is not of the token's cluster, or the cluster's authority was rotated since the token was printed: the token "
            + $"names the authority {token.AuthorityDigest}, shown was {string.Join(", ", shown.Select(JoinToken.DigestOf))}. "
            + "Nothing secret was sent. Check the address, and get the token again with: berth cluster token worker");
    }
}
