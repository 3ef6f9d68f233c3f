using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Berth.Protocol;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Berth.Manager.Identity;

/// <summary>The certificate that who asks for a renewal showed, also when another manager passed the call on.</summary>
/// <remarks>A manager that passes a renewal on puts the certificate into a header. It need not be believed: the request in it is
/// signed with the certificate's key, and what is given for it is of use to who has that key only.</remarks>
internal static class PresentedCertificate
{
    private const string Header = "berth-certificate-bin";
    private const string RenewPath = "/berth.v1.Enrollment/Renew";
    private const int LongestHeader = 16 * 1024;

    /// <summary>Puts the caller's certificate into the header, so that it is still known where the call is passed on to.</summary>
    public static void UsePresentedCertificates(this WebApplication app) => app.Use((call, next) =>
    {
        if (call.Request.Path == RenewPath && !call.Request.Headers.ContainsKey(Header) && call.Connection.ClientCertificate is { } shown)
            call.Request.Headers[Header] = Convert.ToBase64String(shown.RawData);
        return next(call);
    });

    /// <summary>The certificate; null when none was shown, or what was passed on is none.</summary>
    public static X509Certificate2? Of(ServerCallContext context)
    {
        var call = context.GetHttpContext();
        if (call.Request.Headers[Header].ToString() is not { Length: > 0 and < LongestHeader } text)
            return call.Connection.ClientCertificate;
        try
        {
            return BinaryHeader.Read(text) is { } bytes ? X509CertificateLoader.LoadCertificate(bytes) : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    /// <summary>Where a call comes from.</summary>
    public static string AddressOf(ServerCallContext context) =>
        context.GetHttpContext().Connection.RemoteIpAddress?.ToString() ?? "the local socket";
}
