using Google.Protobuf;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Keys;

/// <summary>Between rings of keys and how managers tell them to one another.</summary>
public static class KeyRingMapper
{
    /// <summary>As it travels: over mutual TLS, to managers only.</summary>
    public static V1.DataKeys ToWire(this KeyRing ring) => new()
    {
        Version = ring.Version,
        Current = ring.Current.Id.Value,
        Keys =
        {
            ring.Keys.Select(key => new V1.StoredDataKey
            {
                Id = key.Id.Value, CreatedTicks = key.CreatedAt.UtcTicks, Secret = ByteString.CopyFrom(key.Secret),
            }),
        },
    };

    /// <summary>The ring that was told.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static KeyRing ToModel(this V1.DataKeys wire)
    {
        try
        {
            return KeyRing.Restore(wire.Version, new KeyId(wire.Current), wire.Keys.Select(key =>
                new DataKey(new KeyId(key.Id), new DateTimeOffset(key.CreatedTicks, TimeSpan.Zero), key.Secret.Span)));
        }
        catch (ArgumentException error)
        {
            throw new FormatException($"these are no data keys: {error.Message}", error);
        }
    }
}
