using System.Globalization;
using System.Text;

namespace Berth.Stacks.Yaml;

/// <summary>Bytes of a document → its text, or where they are not text.</summary>
internal static class DocumentText
{
    /// <summary>Largest file that is read, bytes.</summary>
    public const int LargestFileBytes = 10 * 1024 * 1024;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private static readonly UnicodeEncoding StrictUtf16 = new(bigEndian: false, byteOrderMark: true, throwOnInvalidBytes: true);
    private static readonly UnicodeEncoding StrictUtf16BigEndian = new(bigEndian: true, byteOrderMark: true, throwOnInvalidBytes: true);

    /// <summary>The text without byte order mark; null when a problem was noted.</summary>
    public static string? Read(StackDocument document, ProblemList problems)
    {
        var bytes = document.Content.Span;
        if (bytes.Length > LargestFileBytes)
        {
            problems.Add(new Place(document.Name, 1, 1), "",
                string.Create(CultureInfo.InvariantCulture, $"the file has {bytes.Length:N0} bytes, more than the {LargestFileBytes:N0} that are read"),
                "split the stack into several");
            return null;
        }
        var text = Decode(document.Name, bytes, problems);
        return text is not null && IsPrintable(document.Name, text, problems) ? text : null;
    }

    private static string? Decode(string file, ReadOnlySpan<byte> bytes, ProblemList problems)
    {
        var (encoding, mark) = bytes switch
        {
            [0xEF, 0xBB, 0xBF, ..] => ((Encoding)StrictUtf8, 3),
            [0xFF, 0xFE, ..] => (StrictUtf16, 2),
            [0xFE, 0xFF, ..] => (StrictUtf16BigEndian, 2),
            _ => (StrictUtf8, 0),
        };
        try
        {
            return encoding.GetString(bytes[mark..]);
        }
        catch (DecoderFallbackException error)
        {
            var before = Encoding.Latin1.GetString(bytes[mark..(mark + Math.Clamp(error.Index, 0, bytes.Length - mark))]);
            problems.Add(PlaceOf(file, before, before.Length), "",
                $"byte 0x{(error.BytesUnknown is [var first, ..] ? first : 0):X2} is not valid {encoding.WebName.ToUpperInvariant()}",
                "save the file as UTF-8");
            return null;
        }
    }

    // What YAML calls printable. A NUL in the middle of a name would otherwise travel far before it does harm.
    private static bool IsPrintable(string file, string text, ProblemList problems)
    {
        for (var at = 0; at < text.Length; at++)
        {
            var c = text[at];
            if (c is '\t' or '\n' or '\r' or (>= ' ' and <= '~') or '\u0085' or (>= '\u00A0' and not '\uFEFF' and not '\uFFFE' and not '\uFFFF'))
                continue;
            problems.Add(PlaceOf(file, text, at), "",
                string.Create(CultureInfo.InvariantCulture, $"U+{(int)c:X4} is a control character, which YAML forbids"),
                "remove it, or write it as an escape in double quotes");
            return false;
        }
        return true;
    }

    private static Place PlaceOf(string file, string text, int at)
    {
        var before = text.AsSpan(0, at);
        return new Place(file, 1 + before.Count('\n'), at - before.LastIndexOf('\n'));
    }
}
