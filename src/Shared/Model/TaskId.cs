using System.Diagnostics.CodeAnalysis;

namespace Berth.Model;

/// <summary>Names one task for ever; ids are never used again.</summary>
public readonly record struct TaskId(UInt128 Value) : IComparable<TaskId>
{
    /// <summary>Reads Docker's 25-character form, or throws <see cref="FormatException"/>.</summary>
    public static TaskId Parse(string text) => new(ObjectId.Parse(text, "task"));

    /// <summary>Reads Docker's 25-character form.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out TaskId id)
    {
        var parsed = ObjectId.TryParse(text, out var value);
        id = new TaskId(value);
        return parsed;
    }

    /// <inheritdoc/>
    public int CompareTo(TaskId other) => Value.CompareTo(other.Value);

    /// <summary>Docker's 25-character form.</summary>
    public override string ToString() => ObjectId.Format(Value);
}
