using Berth.Manager.Keys;
using Google.Protobuf;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Members;

/// <summary>Data keys on their way to a manager that joins.</summary>
internal static class DataKeys
{
    /// <summary>A ring as it is sent.</summary>
    public static V1.DataKeyRing ToWire(KeyRing ring) => new()
    {
        Version = ring.Version,
        Current = ring.Current.Id.Value,
        Keys =
        {
            ring.Keys.Select(key => new V1.RingKey { Id = key.Id.Value, CreatedTicks = key.CreatedAt.UtcTicks, Secret = ByteString.CopyFrom(key.Secret) }),
        },
    };

    /// <summary>A ring that was sent.</summary>
    public static KeyRing ToModel(V1.DataKeyRing wire) => KeyRing.Restore(
        wire.Version, new KeyId(wire.Current),
        wire.Keys.Select(key => new DataKey(new KeyId(key.Id), new DateTimeOffset(key.CreatedTicks, TimeSpan.Zero), key.Secret.Span)));
}
