using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Berth.Identity;

namespace Berth.Manager.Keys;

/// <summary>The data keys on disk, <c>keys.json</c> (0600): in the clear, or wrapped under an unlock key while autolock is on.</summary>
public sealed class KeyFile(string directory)
{
    private const string FileName = "keys.json";
    private const int Format = 1;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        WriteIndented = true,
    };

    /// <summary>Where it is.</summary>
    public string Path { get; } = System.IO.Path.Combine(directory, FileName);

    /// <summary>Whether there is one.</summary>
    public bool Exists => File.Exists(Path);

    /// <summary>The keys; made when there is no file: a new cluster, or one whose store is still in the clear.</summary>
    /// <exception cref="KeysLockedException">They are wrapped.</exception>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public KeyRing OpenOrCreate(TimeProvider time)
    {
        if (Exists)
            return Read(null);
        var ring = KeyRing.Create(time.GetUtcNow());
        Write(ring, null);
        return ring;
    }

    /// <summary>The name of the unlock key the file is wrapped under; null when it is not wrapped.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public string? LockedUnder() => Parse().Wrapped?.UnlockKey;

    /// <summary>The keys in it.</summary>
    /// <param name="unlock">What it is wrapped under; null when nobody gave one.</param>
    /// <exception cref="KeysLockedException">It is wrapped, and <paramref name="unlock"/> does not open it.</exception>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public KeyRing Read(UnlockKey? unlock)
    {
        var parsed = Parse();
        if (parsed.Keys is { } clear)
            return ToRing(clear);
        var wrapped = parsed.Wrapped ?? throw Damaged("it holds no keys");
        if (unlock is null)
            throw new KeysLockedException($"the data keys in '{Path}' are locked under unlock key {wrapped.UnlockKey}; unlock this manager with berth cluster unlock");
        return ToRing(Unwrap(wrapped, unlock));
    }

    /// <summary>Replaces the file.</summary>
    /// <param name="ring">The keys.</param>
    /// <param name="unlock">What to wrap them under; null: in the clear.</param>
    public void Write(KeyRing ring, UnlockKey? unlock)
    {
        var keys = new RingJson(ring.Version, ring.Current.Id.ToString(), [.. ring.Keys.Select(key =>
            new KeyJson(key.Id.ToString(), key.CreatedAt, Convert.ToBase64String(key.Secret)))]);
        var file = unlock is null ? new FileJson(Format, keys, null) : new FileJson(Format, null, Wrap(keys, unlock));
        PrivateText.Write(Path, JsonSerializer.SerializeToUtf8Bytes(file, Json));
    }

    private static WrappedJson Wrap(RingJson keys, UnlockKey unlock)
    {
        var (salt, nonce, tag) = (RandomNumberGenerator.GetBytes(RowCipher.SaltBytes), RandomNumberGenerator.GetBytes(RowCipher.NonceBytes), new byte[RowCipher.TagBytes]);
        var text = JsonSerializer.SerializeToUtf8Bytes(keys, Json);
        using var wrapping = unlock.Wrapping(salt);
        wrapping.Encrypt(nonce, text, text, tag);
        return new WrappedJson(unlock.Name, Convert.ToBase64String(salt), Convert.ToBase64String(nonce), Convert.ToBase64String(tag), Convert.ToBase64String(text));
    }

    private RingJson Unwrap(WrappedJson wrapped, UnlockKey unlock)
    {
        try
        {
            var text = Convert.FromBase64String(wrapped.Keys);
            using var wrapping = unlock.Wrapping(Convert.FromBase64String(wrapped.Salt));
            wrapping.Decrypt(Convert.FromBase64String(wrapped.Nonce), text, Convert.FromBase64String(wrapped.Tag), text);
            return JsonSerializer.Deserialize<RingJson>(text, Json) ?? throw Damaged("it holds no keys");
        }
        catch (AuthenticationTagMismatchException)
        {
            throw new KeysLockedException(unlock.Name == wrapped.UnlockKey
                ? $"'{Path}' does not open with its own unlock key {wrapped.UnlockKey}: the file was changed; copy it from another manager, or restore a backup"
                : $"this is unlock key {unlock.Name}, and this manager is locked under {wrapped.UnlockKey}: "
                    + "give the key that was valid when it last ran (berth cluster unlock-key on a manager that is not locked shows the newest)");
        }
        catch (Exception error) when (error is FormatException or JsonException or ArgumentException)
        {
            throw Damaged(error.Message);
        }
    }

    private KeyRing ToRing(RingJson keys)
    {
        try
        {
            return KeyRing.Restore(keys.Version, Id(keys.Current), keys.Keys.Select(key =>
                new DataKey(Id(key.Id), key.Created, Convert.FromBase64String(key.Secret))));
        }
        catch (Exception error) when (error is FormatException or ArgumentException)
        {
            throw Damaged(error.Message);
        }
    }

    private FileJson Parse()
    {
        try
        {
            var file = JsonSerializer.Deserialize<FileJson>(File.ReadAllBytes(Path), Json) ?? throw Damaged("it is empty");
            return file.Format == Format
                ? file
                : throw new InvalidDataException($"'{Path}' has format {file.Format}, this berth-manager knows {Format}; start the version that wrote it, or a newer one");
        }
        catch (JsonException error)
        {
            throw Damaged(error.Message);
        }
    }

    private static KeyId Id(string text) =>
        KeyId.TryParse(text, out var id) ? id : throw new FormatException($"'{text}' is not a data key's id");

    private InvalidDataException Damaged(string why) =>
        new($"'{Path}' does not hold the cluster's data keys: {why}. Copy it from another manager of the cluster, or restore a backup with berth-manager restore");

    private sealed record FileJson(int Format, RingJson? Keys, WrappedJson? Wrapped);

    private sealed record RingJson(long Version, string Current, IReadOnlyList<KeyJson> Keys);

    private sealed record KeyJson(string Id, DateTimeOffset Created, string Secret);

    private sealed record WrappedJson(string UnlockKey, string Salt, string Nonce, string Tag, string Keys);
}

/// <summary>The data keys wait for an unlock key; the message says which, and what to do.</summary>
public sealed class KeysLockedException(string message) : Exception(message);
