using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Berth.Cli.Output;

/// <summary>JSON as it is printed: indented by four like <c>docker inspect</c>, with readable characters left as they are.</summary>
internal static class JsonText
{
    private static readonly JsonWriterOptions Indented = new()
    {
        Indented = true,
        IndentSize = 4,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static readonly JsonWriterOptions OneLine = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>One array, <c>[]</c> when there is nothing, and a line end.</summary>
    public static string Array<T>(IReadOnlyList<T> items, Action<Utf8JsonWriter, T> write) => Write(Indented, writer =>
    {
        writer.WriteStartArray();
        foreach (var item in items)
            write(writer, item);
        writer.WriteEndArray();
    }) + "\n";

    /// <summary>One array of what <paramref name="json"/> describes.</summary>
    public static string Array<T>(IReadOnlyList<T> items, JsonTypeInfo<T> json) =>
        Array(items, (writer, item) => JsonSerializer.Serialize(writer, item, json));

    /// <summary>One object, indented, and a line end.</summary>
    public static string Object<T>(T item, JsonTypeInfo<T> json) =>
        Write(Indented, writer => JsonSerializer.Serialize(writer, item, json)) + "\n";

    /// <summary>One object on one line, without a line end.</summary>
    public static string Line<T>(T item, JsonTypeInfo<T> json) =>
        Write(OneLine, writer => JsonSerializer.Serialize(writer, item, json));

    /// <summary>Any value on one line, without a line end.</summary>
    public static string Line(JsonElement element) => Write(OneLine, element.WriteTo);

    private static string Write(JsonWriterOptions options, Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, options))
            write(writer);
        return Encoding.UTF8.GetString(stream.GetBuffer().AsSpan(0, (int)stream.Length));
    }
}
