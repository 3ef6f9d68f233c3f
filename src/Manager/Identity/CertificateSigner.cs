using System.Security.Cryptography.X509Certificates;
using Berth.Identity;
using Berth.Manager.Store;
using Grpc.Core;

namespace Berth.Manager.Identity;

/// <summary>Signs certificates of the cluster: with the authority's key, or, where that is not here, by asking the external
/// authority. While authorities are rotated, each is signed with in its own way.</summary>
public sealed class CertificateSigner(IClusterView view, ExternalAuthority external, TimeProvider time)
{
    private readonly Lock _gate = new();
    private (AuthorityRecord Record, CertificateAuthority Authority)? _opened;

    /// <summary>Signs a certificate. Throws <see cref="RpcException"/> that says why it cannot.</summary>
    /// <param name="request">Whose key.</param>
    /// <param name="role">OU.</param>
    /// <param name="name">CN: a node's id or a client's name.</param>
    /// <param name="validity">How long it is valid.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<X509Certificate2> SignAsync(
        SigningRequest request, CertificateRole role, string name, TimeSpan validity, CancellationToken cancellation)
    {
        var state = view.Current;
        if (state is not { Trust: { } trust, ClusterId: { } cluster })
            throw new RpcException(new Status(StatusCode.Unavailable, "this manager has no certificate authority yet; try again in a moment"));
        if (trust.Signing.KeyPem.Length > 0)
            return Open(trust.Signing).Sign(request, cluster, role, name, time.GetUtcNow(), validity);
        return state.Settings.ExternalAuthority is { Length: > 0 } url
            ? await external.SignAsync(url, trust, cluster, request, role, name, cancellation)
            : throw new RpcException(new Status(
                StatusCode.FailedPrecondition, "the authority's key is not here and no external authority is set; set one with berth cluster update --external-ca"));
    }

    private CertificateAuthority Open(AuthorityRecord record)
    {
        lock (_gate)
        {
            if (_opened is { } opened && opened.Record == record)
                return opened.Authority;
            // An earlier one may be signing on another thread: it is left to the collector.
            var authority = CertificateAuthority.Read(record.CertificatePem, record.KeyPem);
            _opened = (record, authority);
            return authority;
        }
    }
}
