using System.Collections;
using Berth.Telemetry;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Berth.Manager.Observability;

/// <summary>Takes out of a message what may be secret: values of environment variables and of labels whose name says so, and in any
/// text what looks like a key, a token or a password.</summary>
internal static class SecretFields
{
    private const string Environment = "env";

    /// <summary>A copy without them.</summary>
    public static IMessage Without(IMessage message)
    {
        var copy = message.Descriptor.Parser.ParseFrom(message.ToByteString());
        Clean(copy);
        return copy;
    }

    private static void Clean(IMessage message)
    {
        foreach (var field in message.Descriptor.Fields.InDeclarationOrder())
        {
            var value = field.Accessor.GetValue(message);
            if (field.IsMap)
                Clean((IDictionary)value);
            else if (field.IsRepeated)
                Clean((IList)value, field);
            else if (field.FieldType == FieldType.Message && value is IMessage inner)
                Clean(inner);
            else if (field.FieldType == FieldType.String && value is string { Length: > 0 } text)
                field.Accessor.SetValue(message, Redaction.Of(text));
        }
    }

    private static void Clean(IList values, FieldDescriptor field)
    {
        for (var at = 0; at < values.Count; at++)
        {
            if (values[at] is IMessage inner)
                Clean(inner);
            else if (values[at] is string text)
                values[at] = Cleaned(field.Name, values, at, text);
        }
    }

    // `--password hunter2`: the word before says what it is.
    private static string Cleaned(string field, IList values, int at, string text)
    {
        if (field == Environment)
            return Redaction.OfVariable(text);
        return at > 0 && values[at - 1] is string before && before.StartsWith('-') && !before.Contains('=') && Redaction.IsSecretName(before)
            ? Redaction.Mark
            : Redaction.Of(text);
    }

    private static void Clean(IDictionary entries)
    {
        foreach (var key in entries.Keys.Cast<object>().ToList())
        {
            if (entries[key] is IMessage inner)
                Clean(inner);
            else if (entries[key] is string text)
                entries[key] = Redaction.IsSecretName(key.ToString()!) ? Redaction.Mark : Redaction.Of(text);
        }
    }
}
