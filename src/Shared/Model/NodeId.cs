using System.Diagnostics.CodeAnalysis;

namespace Berth.Model;

/// <summary>Names one node for ever; ids are never used again.</summary>
public readonly record struct NodeId(UInt128 Value) : IComparable<NodeId>
{
    /// <summary>Reads Docker's 25-character form, or throws <see cref="FormatException"/>.</summary>
    public static NodeId Parse(string text) => new(ObjectId.Parse(text, "node"));

    /// <summary>Reads Docker's 25-character form.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out NodeId id)
    {
        var parsed = ObjectId.TryParse(text, out var value);
        id = new NodeId(value);
        return parsed;
    }

    /// <inheritdoc/>
    public int CompareTo(NodeId other) => Value.CompareTo(other.Value);

    /// <summary>Docker's 25-character form.</summary>
    public override string ToString() => ObjectId.Format(Value);
}
