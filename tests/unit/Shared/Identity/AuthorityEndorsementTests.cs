using System.Security.Cryptography.X509Certificates;
using Berth.Identity;
using Berth.Model;

namespace Berth.Tests.Shared.Identity;

public sealed class AuthorityEndorsementTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 11, 24, 12, 0, 0, TimeSpan.Zero);
    private static readonly ClusterId Cluster = new(IdSource.Seeded(1).Next());

    private readonly CertificateAuthority _first = Made(), _second = Made(), _third = Made(), _stranger = Made();

    public void Dispose()
    {
        foreach (var authority in (CertificateAuthority[])[_first, _second, _third, _stranger])
            authority.Dispose();
    }

    [Fact]
    public void A_client_that_was_away_for_two_rotations_trusts_the_present_authority_alone()
    {
        var learned = Follow([_first], [_third], [_second, _first], Word(_first, _second), Word(_second, _third));

        Assert.Equal(_third.Certificate.Thumbprint, Assert.Single(learned!).Thumbprint);
    }

    [Fact]
    public void During_a_rotation_both_are_trusted()
    {
        Assert.Equal(2, Follow([_first], [_second, _first], [], Word(_first, _second))!.Count);
        Assert.Null(Follow([_first, _second], [_second, _first], [], Word(_first, _second)));
    }

    [Fact]
    public void Whom_nobody_vouches_for_that_is_trusted_is_not_believed()
    {
        Assert.Null(Follow([_first], [_second], []));
        Assert.Null(Follow([_first], [_stranger], [], Word(_stranger, _stranger), Word(_stranger, _second)));
        // The link between is missing, or says something else than was signed.
        Assert.Null(Follow([_first], [_third], [], Word(_first, _second), Word(_second, _third)));
        Assert.Null(Follow([_first], [_stranger], [], Word(_first, _second) with { Of = JoinToken.DigestOf(_stranger.Certificate) }));
        Assert.Null(Follow([_first], [_second], [], Word(_stranger, _second) with { By = JoinToken.DigestOf(_first.Certificate) }));
        Assert.Null(Follow([_first], [_second], [], Word(_first, _second) with { Signature = "no base64" }));
        Assert.Null(Follow([_first], [_second], [], Word(_first, _second) with { Signature = "" }));
    }

    [Fact]
    public void The_word_of_an_expired_authority_counts_for_nothing() => Assert.Null(AuthorityEndorsement.Follow(
        Certificates(_first), Certificates(_second), [], [Word(_first, _second)], Now.AddDays(11)));

    private static X509Certificate2Collection? Follow(
        CertificateAuthority[] trusted, CertificateAuthority[] current, CertificateAuthority[] earlier, params AuthorityEndorsement[] words) =>
        AuthorityEndorsement.Follow(Certificates(trusted), Certificates(current), Certificates(earlier), words, Now);

    private static X509Certificate2Collection Certificates(params CertificateAuthority[] authorities) => [.. authorities.Select(authority => authority.Certificate)];

    private static AuthorityEndorsement Word(CertificateAuthority by, CertificateAuthority of) => AuthorityEndorsement.Make(by, of.Certificate);

    private static CertificateAuthority Made() => CertificateAuthority.Create(Cluster, Now, TimeSpan.FromDays(10));
}
