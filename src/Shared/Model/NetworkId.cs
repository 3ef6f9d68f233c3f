using System.Diagnostics.CodeAnalysis;

namespace Berth.Model;

/// <summary>Names one network for ever; ids are never used again.</summary>
public readonly record struct NetworkId(UInt128 Value) : IComparable<NetworkId>
{
    /// <summary>Reads Docker's 25-character form, or throws <see cref="FormatException"/>.</summary>
    public static NetworkId Parse(string text) => new(ObjectId.Parse(text, "network"));

    /// <summary>Reads Docker's 25-character form.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out NetworkId id)
    {
        var parsed = ObjectId.TryParse(text, out var value);
        id = new NetworkId(value);
        return parsed;
    }

    /// <inheritdoc/>
    public int CompareTo(NetworkId other) => Value.CompareTo(other.Value);

    /// <summary>Docker's 25-character form.</summary>
    public override string ToString() => ObjectId.Format(Value);
}
