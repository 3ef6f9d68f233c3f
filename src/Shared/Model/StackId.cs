using System.Diagnostics.CodeAnalysis;

namespace Berth.Model;

/// <summary>Names one stack for ever; ids are never used again.</summary>
public readonly record struct StackId(UInt128 Value) : IComparable<StackId>
{
    /// <summary>Reads Docker's 25-character form, or throws <see cref="FormatException"/>.</summary>
    public static StackId Parse(string text) => new(ObjectId.Parse(text, "stack"));

    /// <summary>Reads Docker's 25-character form.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out StackId id)
    {
        var parsed = ObjectId.TryParse(text, out var value);
        id = new StackId(value);
        return parsed;
    }

    /// <inheritdoc/>
    public int CompareTo(StackId other) => Value.CompareTo(other.Value);

    /// <summary>Docker's 25-character form.</summary>
    public override string ToString() => ObjectId.Format(Value);
}
