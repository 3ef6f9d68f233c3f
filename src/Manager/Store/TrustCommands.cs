using Berth.Identity;
using Berth.Model;
using Berth.Protocol;

namespace Berth.Manager.Store;

/// <summary>Decides commands about whom the cluster trusts.</summary>
internal static class TrustCommands
{
    public static Decision Establish(ClusterState state, Command.EstablishTrust command) => Decision.Accept(
        state.Trust is null ? [new Change.TrustPut(command.Trust)] : [], new CommandResults.TrustIs(state.Trust ?? command.Trust));

    public static Decision RotateToken(ClusterState state, Command.RotateToken command)
    {
        if (state.Trust is not { } trust)
            return NoTrust();
        var rotated = command.Role == NodeRole.Manager
            ? trust with { ManagerSecret = command.Secret }
            : trust with { WorkerSecret = command.Secret };
        return Decision.Accept([new Change.TrustPut(rotated)], new CommandResults.TrustIs(rotated));
    }

    public static Decision UpdateSettings(ClusterState state, Command.UpdateSettings command)
    {
        var settings = state.Settings with
        {
            CertificateValidity = command.CertificateValidity ?? state.Settings.CertificateValidity,
            ExternalAuthority = command.ExternalAuthority ?? state.Settings.ExternalAuthority,
            NetworkPool = command.NetworkPool ?? state.Settings.NetworkPool,
            NetworkSize = command.NetworkSize ?? state.Settings.NetworkSize,
        };
        var problems = Problems(settings).Concat(PoolRules.Problems(state, settings)).ToList();
        if (problems.Count > 0)
            return Decision.Refuse(RefusalReason.Invalid, problems);
        if (settings.ExternalAuthority.Length == 0 && (state.Trust is { Signing.KeyPem.Length: 0 } or { Other.KeyPem.Length: 0 }))
        {
            return Decision.Refuse(RefusalReason.Conflict,
                "the cluster's authority signs elsewhere and its key is not here: without the external authority nobody could sign; "
                + "rotate to an authority of the cluster's own first (berth cluster ca rotate)");
        }
        return Decision.Accept(
            settings == state.Settings ? [] : [new Change.SettingsPut(settings)], new CommandResults.SettingsAre(settings));
    }

    public static Decision RotateAuthority(ClusterState state, Command.RotateAuthority command, DateTimeOffset now)
    {
        if (state.Trust is not { } trust)
            return NoTrust();
        if (trust.Phase != RotationPhase.None)
        {
            return Decision.Refuse(RefusalReason.Conflict,
                "the authority is being rotated already; wait until berth cluster status says that no node is left to renew, or remove the nodes it names");
        }
        if (command.Authority.Digest == trust.Signing.Digest)
            return Decision.Refuse(RefusalReason.Invalid, "this is the authority that signs now; give another certificate, or none to have one made");
        if (Problem(command.Authority, state.Settings, now) is { } problem)
            return Decision.Refuse(RefusalReason.Invalid, problem);
        var rotating = trust with { Other = command.Authority, Phase = RotationPhase.Announced };
        if (state.Level >= ReleaseLevel.ClientsOutliveRotations)
        {
            rotating = command.CutsClients
                ? rotating with { CutsClients = true, Retired = [], Endorsements = [] }
                : command.Endorsement is { } word ? rotating with { Endorsements = [.. trust.Endorsements, word] } : rotating;
        }
        return Decision.Accept([new Change.TrustPut(rotating)], new CommandResults.TrustIs(rotating));
    }

    public static Decision Advance(ClusterState state, DateTimeOffset now)
    {
        if (state.Trust is not { } trust)
            return NoTrust();
        var next = AuthorityRotation.Next(state, now);
        return Decision.Accept(next is null ? [] : [new Change.TrustPut(next)], new CommandResults.TrustIs(next ?? trust));
    }

    private static IEnumerable<string> Problems(ClusterSettings settings)
    {
        if (settings.CertificateValidity < ClusterSettings.ShortestValidity || settings.CertificateValidity > ClusterSettings.LongestValidity)
        {
            yield return $"certificate validity: {settings.CertificateValidity.TotalHours:0.####} h is not between {ClusterSettings.ShortestValidity.TotalSeconds:0} seconds and "
                + $"{ClusterSettings.LongestValidity.TotalDays:0} days; the default is 24 hours";
        }
        if (settings.ExternalAuthority.Length > 0
            && (!Uri.TryCreate(settings.ExternalAuthority, UriKind.Absolute, out var uri) || uri.Scheme != Uri.UriSchemeHttps || uri.UserInfo.Length > 0))
        {
            yield return $"external authority: '{settings.ExternalAuthority}' is not an address that can be asked to sign; write https://HOST:PORT/api/v1/cfssl/sign, without a password in it";
        }
    }

    private static string? Problem(AuthorityRecord authority, ClusterSettings settings, DateTimeOffset now)
    {
        using var certificate = Pem.One(authority.CertificatePem, "the authority's certificate");
        if (authority.KeyPem.Length == 0 && settings.ExternalAuthority.Length == 0)
            return "the authority's key is missing; give it, or name an external authority that signs (berth cluster update --external-ca)";
        if (now < certificate.NotBefore.ToUniversalTime() || now + settings.CertificateValidity > certificate.NotAfter.ToUniversalTime())
            return $"the authority is valid from {certificate.NotBefore.ToUniversalTime():u} to {certificate.NotAfter.ToUniversalTime():u}, too short for certificates of {settings.CertificateValidity}";
        return CertificateAuthority.Problem(certificate);
    }

    private static Decision NoTrust() => Decision.Refuse(
        RefusalReason.Conflict, "this manager has no certificate authority: it is alone, without a manager.json; run berth cluster init on its host");
}
