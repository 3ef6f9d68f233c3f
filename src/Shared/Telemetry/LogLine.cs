using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Berth.Telemetry;

/// <summary>How a daemon writes its log.</summary>
public enum LogFormat
{
    /// <summary>For people: one plain line a message.</summary>
    Text,
    /// <summary>For programs: one JSON object a message.</summary>
    Json,
}

/// <summary>One message of a log.</summary>
/// <param name="At">When it was written.</param>
/// <param name="Level">How severe it is.</param>
/// <param name="Category">Which part of the program says it.</param>
/// <param name="Message">What it says, whole.</param>
/// <param name="State">The message's parts by name, where the logger was given them.</param>
/// <param name="Exception">What went wrong; null when nothing did.</param>
public readonly record struct LogLine(DateTimeOffset At, LogLevel Level, string Category, string Message, object? State, Exception? Exception)
{
    // Lines are for collectors, not for web pages: quotes and umlauts stay readable.
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The word for a level.</summary>
    public static string Word(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warning",
        LogLevel.Error => "error",
        _ => "critical",
    };

    /// <summary>For people.</summary>
    public string Text() => string.Create(CultureInfo.InvariantCulture,
        $"{At.UtcDateTime:yyyy-MM-ddTHH:mm:ss.fffZ} {Word(Level)} {(Category.Length > 0 ? $"{Category}: " : "")}{Message}{(Exception is null ? "" : $": {Exception}")}")
        .ReplaceLineEndings(" ");

    /// <summary>For programs: <c>time</c>, <c>level</c>, <c>category</c>, <c>message</c>, <c>fields</c>, and <c>trace</c> and <c>error</c> where there are such.</summary>
    public string Json()
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, Readable))
        {
            json.WriteStartObject();
            json.WriteString("time", At.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
            json.WriteString("level", Word(Level));
            if (Category.Length > 0)
                json.WriteString("category", Category);
            json.WriteString("message", Message);
            if (State is IReadOnlyList<KeyValuePair<string, object?>> fields)
                Write(json, fields);
            if (Activity.Current is { Recorded: true } span)
                json.WriteString("trace", span.TraceId.ToHexString());
            if (Exception is not null)
                json.WriteString("error", Exception.ToString());
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void Write(Utf8JsonWriter json, IReadOnlyList<KeyValuePair<string, object?>> fields)
    {
        var isOpen = false;
        foreach (var (name, value) in fields)
        {
            if (name.Length == 0 || name[0] == '{')
                continue;
            if (!isOpen)
                json.WriteStartObject("fields");
            isOpen = true;
            if (Redaction.IsSecretName(name))
                json.WriteString(name, Redaction.Mark);
            else if (value is int or long or short or byte)
                json.WriteNumber(name, Convert.ToInt64(value, CultureInfo.InvariantCulture));
            else if (value is double number && double.IsFinite(number))
                json.WriteNumber(name, number);
            else
                json.WriteString(name, Convert.ToString(value, CultureInfo.InvariantCulture) ?? "");
        }
        if (isOpen)
            json.WriteEndObject();
    }
}
