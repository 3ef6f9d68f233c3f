using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Berth.Bench.Measure;
using Berth.Identity;
using Berth.Protocol.V1;
using Google.Protobuf;
using Grpc.Net.Client;
using NodeId = Berth.Model.NodeId;
using Task = System.Threading.Tasks.Task;

namespace Berth.Bench.Simulation;

/// <summary>A node of the simulated fleet.</summary>
/// <param name="Number">From 0.</param>
/// <param name="Node">Its id.</param>
/// <param name="Identity">Its certificate, of the cluster's own authority.</param>
public sealed record FleetMember(int Number, NodeId Node, TlsIdentity Identity);

/// <summary>Joins many nodes to a cluster as hosts do: a key each, a signing request, a token, a certificate.</summary>
public static class FleetMembers
{
    private const int AtOnce = 32;
    // Managers have the small numbers.
    private const int FirstNode = 1000;

    /// <summary>Enrols so many.</summary>
    public static async Task<IReadOnlyList<FleetMember>> EnrolAsync(ClusterHost manager, int count)
    {
        var answer = await new ClusterAdmin.ClusterAdminClient(manager.Channel).GetJoinTokenAsync(new GetJoinTokenRequest { Role = NodeRole.Worker });
        var token = Berth.Identity.JoinToken.Parse(answer.Token);
        using var stranger = Dial(manager.Url, Joining.TrustingNobody());
        var trust = await new Enrollment.EnrollmentClient(stranger).GetTrustAsync(new GetTrustRequest());
        var authority = Joining.FindPinned(token, trust.AuthorityPem);
        using var channel = Dial(manager.Url, TlsIdentity.WithoutCertificate([authority], null, TimeProvider.System).ForClient(CertificateRole.Manager));
        var client = new Enrollment.EnrollmentClient(channel);
        var members = new FleetMember[count];
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(async _ =>
        {
            for (var number = Interlocked.Increment(ref next); number < count; number = Interlocked.Increment(ref next))
                members[number] = await EnrolAsync(client, token, authority, number);
        }));
        return members;
    }

    private static async Task<FleetMember> EnrolAsync(Enrollment.EnrollmentClient client, Berth.Identity.JoinToken token, X509Certificate2 authority, int number)
    {
        var node = new NodeId((UInt128)(FirstNode + number));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var facts = SimulatedAgent.Description(number);
        var identity = await client.EnrollAsync(new EnrollRequest
        {
            Token = token.Format(),
            SigningRequest = ByteString.CopyFrom(SigningRequest.Make(key, node.ToString())),
            NodeId = node.ToString(),
            Hostname = facts.Hostname,
            Address = facts.Address,
            CertificateRole = NodeRole.Worker,
        });
        using var certificate = X509Certificate2.CreateFromPem(identity.CertificatePem);
        return new FleetMember(number, node, new TlsIdentity(ProcessIdentity.From(certificate, key, [authority]), TimeProvider.System));
    }

    private static GrpcChannel Dial(string url, System.Net.Security.SslClientAuthenticationOptions tls) => GrpcChannel.ForAddress(url, new GrpcChannelOptions
    {
        DisposeHttpClient = true,
        HttpHandler = new SocketsHttpHandler { SslOptions = tls, UseProxy = false },
    });
}
