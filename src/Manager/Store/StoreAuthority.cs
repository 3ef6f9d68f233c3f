namespace Berth.Manager.Store;

/// <summary>The authority of the cluster's etcd: its certificate, and its key, which only managers know.</summary>
public sealed record StoreAuthority(string CertificatePem, string KeyPem)
{
    /// <summary>Without the key.</summary>
    public override string ToString() => nameof(StoreAuthority);
}
