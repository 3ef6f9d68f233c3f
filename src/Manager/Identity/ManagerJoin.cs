using System.Net.Security;
using System.Security.Authentication;
using Berth.Identity;
using Berth.Manager.Keys;
using Berth.Model;
using Grpc.Core;
using Grpc.Net.Client;

namespace Berth.Manager.Identity;

/// <summary>A manager joins a cluster: before anything else of it starts, since it has no part in a cluster before.</summary>
public static class ManagerJoin
{
    private static readonly TimeSpan CallTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>Gets an identity with the token in <paramref name="file"/>, stores it, and takes the token out of the file. Tries
    /// until it is answered; a refusal is an <see cref="InvalidDataException"/> that says why.</summary>
    /// <param name="file">What the manager is to be, with a token.</param>
    /// <param name="dataDirectory">Where the file is.</param>
    /// <param name="files">Where the identity goes.</param>
    /// <param name="time">The clock.</param>
    /// <param name="tell">Told why an attempt failed, each time it is another reason.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The file as it is now.</returns>
    public static async Task<ManagerFile> RunAsync(
        ManagerFile file, string dataDirectory, IdentityFiles files, TimeProvider time, Action<string> tell, CancellationToken cancellation)
    {
        var token = file.JoinToken ?? throw new ArgumentException("the file has no token to join with", nameof(file));
        var told = "";
        while (true)
        {
            foreach (var manager in file.JoinManagers)
            {
                if (await TryAsync(manager, token, file, dataDirectory, files, time, cancellation) is not { } failure)
                {
                    var joined = file with { JoinToken = null, JoinManagers = [] };
                    joined.Save(dataDirectory);
                    return joined;
                }
                if (failure != told)
                    tell(told = failure);
            }
            await Task.Delay(Pause, time, cancellation);
        }
    }

    // Null when it has joined; else why not yet.
    private static async Task<string?> TryAsync(
        string manager, JoinToken token, ManagerFile file, string dataDirectory, IdentityFiles files, TimeProvider time, CancellationToken cancellation)
    {
        var channels = new List<GrpcChannel>();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(CallTime);
        try
        {
            using var key = files.LoadOrMakeKey();
            var identity = await Joining.JoinAsync(
                token, new Joiner(file.NodeId, file.Hostname, file.Address, CertificateRole.Manager), key, Dial, time, patience.Token);
            // Before the certificate: a manager that has one opens the store, and needs its keys to read it.
            if (identity.DataKeys is { } keys)
                new KeyFile(dataDirectory).Write(keys.ToModel(), null);
            files.Save(identity.CertificatePem, identity.AuthorityPem);
            return null;
        }
        catch (RpcException refused) when (refused.StatusCode is StatusCode.PermissionDenied or StatusCode.InvalidArgument)
        {
            throw new InvalidDataException($"the cluster at {manager} refused this manager: {refused.Status.Detail}", refused);
        }
        catch (Exception error) when (error is RpcException or AuthenticationException or OperationCanceledException
            && !cancellation.IsCancellationRequested)
        {
            return $"joining at {manager} failed: {Reason(error)}";
        }
        finally
        {
            foreach (var channel in channels)
                channel.Dispose();
        }

        CallInvoker Dial(SslClientAuthenticationOptions options)
        {
            var channel = PeerChannels.Dial(manager, options);
            channels.Add(channel);
            return channel.CreateCallInvoker();
        }
    }

    private static string Reason(Exception error) => error switch
    {
        RpcException { StatusCode: StatusCode.Unavailable, Status.DebugException: { } cause } => cause.GetBaseException().Message,
        RpcException rpc => rpc.Status.Detail,
        OperationCanceledException => $"no answer within {CallTime.TotalSeconds:0} s",
        _ => error.Message,
    };
}
