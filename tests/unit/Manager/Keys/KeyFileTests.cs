using Berth.Manager.Keys;
using CsCheck;

namespace Berth.Tests.Manager.Keys;

/// <summary>The keys outlive the process, and locked ones open for their unlock key only.</summary>
public sealed class KeyFileTests : IDisposable
{
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("berth-keys-");

    private KeyFile File => new(_home.FullName);

    private string Text => System.IO.File.ReadAllText(File.Path);

    [Fact]
    public void Keys_are_made_once_for_their_owner_only()
    {
        var made = File.OpenOrCreate(TimeProvider.System);

        AssertSame(made, File.OpenOrCreate(TimeProvider.System));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(File.Path));
        Assert.Null(File.LockedUnder());
    }

    [Fact]
    public void Locked_keys_open_for_their_unlock_key_only_and_the_file_shows_no_secret()
    {
        var (ring, unlock, other) = (KeyRing.Create(TimeProvider.System.GetUtcNow()), UnlockKey.Create(), UnlockKey.Create());
        File.Write(ring, unlock);

        AssertSame(ring, File.Read(unlock));
        Assert.Equal(unlock.Name, File.LockedUnder());
        Assert.DoesNotContain(Convert.ToBase64String(ring.Current.Secret), Text);
        Assert.DoesNotContain(unlock.Format(), Text);
        Assert.Contains("berth cluster unlock", Assert.Throws<KeysLockedException>(() => File.Read(null)).Message);
        Assert.Contains("berth cluster unlock", Assert.Throws<KeysLockedException>(() => File.OpenOrCreate(TimeProvider.System)).Message);
        var wrong = Assert.Throws<KeysLockedException>(() => File.Read(other)).Message;
        Assert.Contains($"this is unlock key {other.Name}, and this manager is locked under {unlock.Name}", wrong);
        Assert.DoesNotContain(other.Format(), wrong);
    }

    [Fact]
    public void Unlocked_again_the_file_opens_without_a_key()
    {
        var ring = KeyRing.Create(TimeProvider.System.GetUtcNow());
        File.Write(ring, UnlockKey.Create());
        File.Write(ring, null);

        AssertSame(ring, File.OpenOrCreate(TimeProvider.System));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("""{"format":1}""")]
    [InlineData("""{"format":1,"keys":{"version":1,"current":"0011223344556677","keys":[]}}""")]
    [InlineData("""{"format":1,"keys":{"version":1,"current":"0011223344556677","keys":[{"id":"0011223344556677","created":"2026-01-01T00:00:00Z","secret":"AAAA"}]}}""")]
    [InlineData("""{"format":1,"keys":{"version":1,"current":"x","keys":[{"id":"x","created":"2026-01-01T00:00:00Z","secret":"AAAA"}]}}""")]
    public void A_damaged_file_says_so_and_is_left_alone(string content)
    {
        System.IO.File.WriteAllText(File.Path, content);

        Assert.Contains(File.Path, Assert.Throws<InvalidDataException>(() => File.OpenOrCreate(TimeProvider.System)).Message);
        Assert.Equal(content, Text);
    }

    [Fact]
    public void An_unlock_key_is_read_as_it_was_written_and_one_changed_letter_is_another_key_or_none() =>
        Gen.Select(Gen.Int[0, 51], Gen.Int[0, 31]).Sample((at, digit) =>
        {
            var key = UnlockKey.Create();
            var text = key.Format();
            Assert.Equal(11 + 52, text.Length);
            Assert.True(UnlockKey.TryParse(text, out var same));
            Assert.Equal((text, key.Name), (same.Format(), same.Name));
            Assert.DoesNotContain(text[11..], key.ToString());

            var letters = text.ToCharArray();
            letters[11 + at] = "abcdefghijklmnopqrstuvwxyz234567"[digit];
            var changed = new string(letters);
            if (changed != text && UnlockKey.TryParse(changed, out var other))
                Assert.Equal((changed, true), (other.Format(), other.Name != key.Name));
        });

    [Theory]
    [InlineData("")]
    [InlineData("BERTHKEY-1-")]
    [InlineData("BERTHKEY-2-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    [InlineData("BERTHKEY-1-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1")]
    [InlineData("BERTHKEY-1-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab")]
    public void What_is_no_unlock_key_is_refused(string text) => Assert.False(UnlockKey.TryParse(text, out _));

    public void Dispose() => _home.Delete(recursive: true);

    private static void AssertSame(KeyRing expected, KeyRing actual)
    {
        Assert.Equal((expected.Version, expected.Current.Id), (actual.Version, actual.Current.Id));
        Assert.Equal(
            expected.Keys.Select(key => (key.Id, key.CreatedAt, Convert.ToHexString(key.Secret))),
            actual.Keys.Select(key => (key.Id, key.CreatedAt, Convert.ToHexString(key.Secret))));
    }
}
