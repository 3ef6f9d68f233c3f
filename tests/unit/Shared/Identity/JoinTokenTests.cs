using Berth.Identity;
using Berth.Model;
using CsCheck;

namespace Berth.Tests.Shared.Identity;

public sealed class JoinTokenTests
{
    private static readonly Gen<JoinToken> AnyToken =
        Gen.Select(Gen.Byte.Array[32], Gen.Byte.Array[32], (digest, secret) => new JoinToken(digest, secret));

    [Fact]
    public void A_token_is_read_as_it_was_written() =>
        AnyToken.Sample(token => JoinToken.Parse(token.Format()).Equals(token));

    [Fact]
    public void Capitals_and_spaces_around_do_not_matter() =>
        AnyToken.Sample(token => JoinToken.Parse($"  {token.Format().ToUpperInvariant()}\n").Equals(token));

    [Fact]
    public void A_token_with_one_character_changed_is_another_token_or_none() =>
        Gen.Select(AnyToken, Gen.Int[8, 112], Gen.Char["abcdefghijklmnopqrstuvwxyz0123456789-"]).Sample((token, at, character) =>
        {
            var text = token.Format();
            var changed = text[..at] + character + text[(at + 1)..];
            return changed == text || !JoinToken.TryParse(changed, out var read, out _) || !read.Equals(token);
        });

    [Fact]
    public void Any_text_is_a_token_or_said_to_be_none() =>
        Gen.OneOf(Gen.String, Gen.String.Select(text => "BERTH-1-" + text), Gen.Select(AnyToken, Gen.Int[0, 113], (token, at) => token.Format()[..at]))
            .Sample(text => JoinToken.TryParse(text, out _, out var error) || !string.IsNullOrEmpty(error));

    [Fact]
    public void What_is_wrong_is_said_without_the_secret()
    {
        var token = new JoinToken(new byte[32], JoinToken.NewSecret()).Format();
        var secret = token[^52..];
        foreach (var text in new[] { token[..^1], token + "a", token.Replace('-', '_'), token[..^1] + "1", "X" + token })
        {
            Assert.False(JoinToken.TryParse(text, out _, out var error));
            Assert.DoesNotContain(secret[..20], error, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("SWMTKN-1-abc-def", "Docker Swarm")]
    [InlineData("BERTH-2-a-b", "a form this version does not know")]
    [InlineData("hello", "does not begin with BERTH-1-")]
    [InlineData("BERTH-1-abc", "ends after its first part")]
    [InlineData("BERTH-1-abc-def", "3 characters, not 52")]
    public void Each_mistake_has_its_words(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<FormatException>(() => JoinToken.Parse(text)).Message);

    [Fact]
    public void A_token_does_not_show_its_secret_by_accident()
    {
        var token = new JoinToken(new byte[32], JoinToken.NewSecret());
        Assert.DoesNotContain(token.Format()[^52..], $"{token}");
    }

    [Fact]
    public void A_token_names_one_authority()
    {
        var cluster = new ClusterId(IdSource.Seeded(1).Next());
        var now = DateTimeOffset.UnixEpoch.AddYears(56);
        using var mine = CertificateAuthority.Create(cluster, now, TimeSpan.FromDays(1));
        using var other = CertificateAuthority.Create(cluster, now, TimeSpan.FromDays(1));
        var token = JoinToken.For(mine.Certificate, JoinToken.NewSecret());

        Assert.True(token.Pins(mine.Certificate));
        Assert.False(token.Pins(other.Certificate));
    }
}
