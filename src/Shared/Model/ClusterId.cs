using System.Diagnostics.CodeAnalysis;

namespace Berth.Model;

/// <summary>Names one cluster for ever; ids are never used again.</summary>
public readonly record struct ClusterId(UInt128 Value) : IComparable<ClusterId>
{
    /// <summary>Reads Docker's 25-character form, or throws <see cref="FormatException"/>.</summary>
    public static ClusterId Parse(string text) => new(ObjectId.Parse(text, "cluster"));

    /// <summary>Reads Docker's 25-character form.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out ClusterId id)
    {
        var parsed = ObjectId.TryParse(text, out var value);
        id = new ClusterId(value);
        return parsed;
    }

    /// <inheritdoc/>
    public int CompareTo(ClusterId other) => Value.CompareTo(other.Value);

    /// <summary>Docker's 25-character form.</summary>
    public override string ToString() => ObjectId.Format(Value);
}
