using System.Diagnostics.CodeAnalysis;

namespace Berth.Model;

/// <summary>Names one service for ever; ids are never used again.</summary>
public readonly record struct ServiceId(UInt128 Value) : IComparable<ServiceId>
{
    /// <summary>Reads Docker's 25-character form, or throws <see cref="FormatException"/>.</summary>
    public static ServiceId Parse(string text) => new(ObjectId.Parse(text, "service"));

    /// <summary>Reads Docker's 25-character form.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out ServiceId id)
    {
        var parsed = ObjectId.TryParse(text, out var value);
        id = new ServiceId(value);
        return parsed;
    }

    /// <inheritdoc/>
    public int CompareTo(ServiceId other) => Value.CompareTo(other.Value);

    /// <summary>Docker's 25-character form.</summary>
    public override string ToString() => ObjectId.Format(Value);
}
