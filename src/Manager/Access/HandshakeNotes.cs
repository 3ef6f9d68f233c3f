using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Berth.Manager.Access;

/// <summary>Has connections written down that never come to a call: what is no TLS, and certificates that are not accepted.</summary>
public static class HandshakeNotes
{
    private static readonly object Reached = new();
    private static readonly object Reason = new();

    /// <summary>Says why a certificate is not accepted, where the audit log finds it.</summary>
    /// <param name="options">How the connection is answered.</param>
    /// <param name="connection">The connection.</param>
    /// <param name="problemOf">Why a certificate is not accepted; null when it is.</param>
    public static SslServerAuthenticationOptions Noting(
        this SslServerAuthenticationOptions options, ConnectionContext connection, Func<X509Certificate2, string?> problemOf)
    {
        if (options.RemoteCertificateValidationCallback is not { } judge)
            return options;
        options.RemoteCertificateValidationCallback = (sender, certificate, chain, errors) =>
        {
            var isAccepted = judge(sender, certificate, chain, errors);
            if (!isAccepted)
            {
                connection.Items[Reason] = certificate is X509Certificate2 shown
                    ? $"the certificate of {Cut(shown.Subject)} is not accepted: {problemOf(shown) ?? "it is not good for this"}"
                    : "no certificate was shown";
            }
            return isAccepted;
        };
        return options;
    }

    /// <summary>Before TLS: waits until the connection is over, and writes down one that TLS did not let through.</summary>
    public static void NoteFailedHandshakes(this ListenOptions endpoint)
    {
        var services = endpoint.ApplicationServices;
        endpoint.Use(next => async connection =>
        {
            await next(connection);
            if (connection.Items.ContainsKey(Reached))
                return;
            var reason = connection.Items.TryGetValue(Reason, out var noted) && noted is string said ? said : "no TLS handshake came to its end";
            await services.GetRequiredService<Gatekeeper>().RefusedConnectionAsync(connection.RemoteEndPoint?.ToString() ?? "unknown", reason);
        });
    }

    /// <summary>After TLS: the handshake is done.</summary>
    public static void NoteHandshakes(this ListenOptions endpoint) => endpoint.Use(next => connection =>
    {
        connection.Items[Reached] = true;
        return next(connection);
    });

    private static string Cut(string subject) => subject.Length <= 200 ? subject : subject[..200];
}
