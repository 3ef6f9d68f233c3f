using System.Runtime.InteropServices;
using Berth.Identity;
using Berth.Manager.Access;
using Berth.Manager.Identity;
using Berth.Manager.Members;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Berth.Manager.Hosting;

/// <summary>A manager's place in a cluster: what its <c>manager.json</c> says, and the identity it has there.</summary>
internal sealed record ManagerPlace(ManagerFile File, IdentityFiles Files, TlsIdentity Tls)
{
    // Many round trips to the far side of the world; somebody who only holds connections open has no longer.
    private static readonly TimeSpan HandshakeTime = TimeSpan.FromSeconds(5);

    /// <summary>How connections to its network address begin. Who shows no certificate, or an expired one, is let in as far as
    /// enrolment; each call is judged by who makes it.</summary>
    public TlsHandshakeCallbackOptions Handshakes => new()
    {
        HandshakeTimeout = HandshakeTime,
        OnConnection = context => ValueTask.FromResult(Tls.ForServer(requireClientCertificate: false, allowExpired: true)
            .Noting(context.Connection, certificate => Tls.ProblemOf(certificate, null, allowExpired: true))),
    };

    /// <summary>The place of the manager of a data directory; null when it is alone. One that has a token joins first.</summary>
    public static async Task<ManagerPlace?> OpenAsync(string dataDirectory, EarlyLog log)
    {
        if (ManagerFile.Load(dataDirectory) is not { } file)
            return null;
        var files = IdentityHosting.FilesIn(dataDirectory);
        // Where it joined is where it asks for the store, also after a crash in between.
        if (file.JoinToken is not null)
            new KnownManagers(dataDirectory).Save(file.JoinManagers);
        if (file.JoinToken is not null)
            file = await JoinAsync(file, dataDirectory, files, log);
        return new ManagerPlace(file, files, IdentityHosting.OpenIdentity(files, TimeProvider.System));
    }

    private static async Task<ManagerFile> JoinAsync(ManagerFile file, string dataDirectory, IdentityFiles files, EarlyLog log)
    {
        using var stop = new CancellationTokenSource();
        using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        return await ManagerJoin.RunAsync(
            file, dataDirectory, files, TimeProvider.System, reason => log.Warning($"waiting to join: {reason}"), stop.Token);

        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stop.Cancel();
        }
    }
}
