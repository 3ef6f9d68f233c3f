using System.Net.Security;
using Berth.Identity;
using Berth.Model;
using Berth.Protocol.V1;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace Berth.Agent.Membership;

/// <summary>Asks managers for certificates.</summary>
public sealed class EnrollmentCalls(TimeProvider time)
{
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ConnectWithin = TimeSpan.FromSeconds(2);

    /// <summary>A first certificate, for a token.</summary>
    /// <param name="manager">Whom to ask.</param>
    /// <param name="wish">With which token.</param>
    /// <param name="joiner">Who joins.</param>
    /// <param name="files">Where the key is; made when there is none.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<Protocol.V1.Identity> JoinAsync(
        Uri manager, JoinWish wish, Joiner joiner, IdentityFiles files, CancellationToken cancellation)
    {
        using var key = files.LoadOrMakeKey();
        using var limit = new CancellationTokenSource(AnswerWithin, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        var channels = new List<GrpcChannel>();
        try
        {
            return await Joining.JoinAsync(wish.Token, joiner, key, options =>
            {
                var channel = Channel(manager, options);
                channels.Add(channel);
                return channel.CreateCallInvoker();
            }, time, both.Token).ConfigureAwait(false);
        }
        finally
        {
            foreach (var channel in channels)
                channel.Dispose();
        }
    }

    /// <summary>A newer certificate for the key of the present one, which may have expired.</summary>
    public async Task<Protocol.V1.Identity> RenewAsync(Uri manager, NodeId node, TlsIdentity identity, IdentityFiles files, CancellationToken cancellation)
    {
        using var key = files.LoadOrMakeKey();
        using var limit = new CancellationTokenSource(AnswerWithin, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        using var channel = Channel(manager, identity.ForClient(CertificateRole.Manager));
        return await new Enrollment.EnrollmentClient(channel).RenewAsync(
            new RenewRequest
            {
                SigningRequest = ByteString.CopyFrom(SigningRequest.Make(key, node.ToString())),
                Trusted = { identity.Roots.Select(Berth.Identity.JoinToken.DigestOf) },
            },
            cancellationToken: both.Token).ConfigureAwait(false);
    }

    /// <summary>Whether a manager said no, and asking another would bring no other answer.</summary>
    public static bool IsRefusal(RpcException error) =>
        error.StatusCode is StatusCode.PermissionDenied or StatusCode.Unauthenticated or StatusCode.InvalidArgument or StatusCode.FailedPrecondition
            or StatusCode.AlreadyExists;

    private static GrpcChannel Channel(Uri manager, SslClientAuthenticationOptions options) =>
        GrpcChannel.ForAddress(manager.GetLeftPart(UriPartial.Authority), new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler { UseProxy = false, ConnectTimeout = ConnectWithin, SslOptions = options },
            DisposeHttpClient = true,
        });
}
