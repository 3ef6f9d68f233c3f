using System.Security.Cryptography;

namespace Berth.Identity;

/// <summary>A process's identity on disk: <c>NAME.key</c>, <c>NAME.crt</c> and <c>ca.crt</c> in one directory, readable by
/// root only. Each file is replaced as a whole; a crash between two of them leaves an identity that can be read.</summary>
/// <remarks>The key is made once and stays: the cluster knows a node by it. Renewals replace the certificate only.</remarks>
/// <param name="directory">Where they are; made with mode 0700 when it is missing.</param>
/// <param name="name"><c>node</c> for an agent, <c>manager</c> for a manager, <c>client</c> for the CLI.</param>
public sealed class IdentityFiles(string directory, string name)
{
    /// <summary>The directory.</summary>
    public string Directory { get; } = directory;

    /// <summary>The key's file.</summary>
    public string KeyPath { get; } = Path.Combine(directory, name + ".key");

    /// <summary>The certificate's file.</summary>
    public string CertificatePath { get; } = Path.Combine(directory, name + ".crt");

    /// <summary>The file of trusted authorities.</summary>
    public string RootsPath { get; } = Path.Combine(directory, "ca.crt");

    /// <summary>Whether there is a whole identity.</summary>
    public bool Exist => File.Exists(KeyPath) && File.Exists(CertificatePath) && File.Exists(RootsPath);

    /// <summary>The identity, or null when there is none. Throws <see cref="InvalidDataException"/> when it cannot be used.</summary>
    public ProcessIdentity? Load()
    {
        if (!Exist)
            return null;
        try
        {
            return ProcessIdentity.Read(File.ReadAllText(CertificatePath), File.ReadAllText(KeyPath), File.ReadAllText(RootsPath));
        }
        catch (FormatException error)
        {
            throw new InvalidDataException(
                $"the identity in {Directory} cannot be used: {error.Message}. Restore its files, or remove them and join again", error);
        }
    }

    /// <summary>The key; made and stored when there is none. The caller disposes it.</summary>
    public ECDsa LoadOrMakeKey()
    {
        if (File.Exists(KeyPath))
        {
            try
            {
                return Pem.Key(File.ReadAllText(KeyPath), KeyPath);
            }
            catch (FormatException error)
            {
                throw new InvalidDataException($"{error.Message}. Restore it, or remove it and join again", error);
            }
        }
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Write(KeyPath, key.ExportPkcs8PrivateKeyPem() + "\n");
        return key;
    }

    /// <summary>Stores a certificate for the key that is here, and whom to trust. The authorities come first: after a crash
    /// between the two, the earlier certificate still works with the newer trust.</summary>
    /// <returns>The identity as it is now.</returns>
    public ProcessIdentity Save(string certificatePem, string rootsPem)
    {
        using var key = LoadOrMakeKey();
        var identity = ProcessIdentity.From(
            Pem.One(certificatePem, "the certificate"), key, Pem.Many(rootsPem, "the authorities"));
        Write(RootsPath, rootsPem);
        Write(CertificatePath, certificatePem);
        return identity;
    }

    /// <summary>Stores whom to trust from now on, after checking that it can be read.</summary>
    public void SaveRoots(string rootsPem)
    {
        Pem.Many(rootsPem, "the authorities");
        Write(RootsPath, rootsPem);
    }

    /// <summary>Forgets the identity, the key last.</summary>
    public void Remove()
    {
        foreach (var path in new[] { CertificatePath, RootsPath, KeyPath })
            File.Delete(path);
    }

    private static void Write(string path, string text) => PrivateText.Write(path, text);
}
