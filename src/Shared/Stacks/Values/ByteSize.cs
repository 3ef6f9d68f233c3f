using System.Globalization;
using System.Text.RegularExpressions;

namespace Berth.Stacks.Values;

/// <summary>Amounts of memory as Docker writes them: <c>512M</c>, <c>1.5gb</c>, <c>64KiB</c>, <c>1048576</c>. Every unit is
/// a power of 1024.</summary>
public static partial class ByteSize
{
    /// <summary>What to write, for messages.</summary>
    public const string Form = "a number of bytes with an optional unit (b, k, m, g, t, p), such as 512M";

    private const string Units = "KMGTP";

    /// <summary>Reads an amount, bytes; a fraction of a byte is cut off.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        var match = text.Length <= 40 ? Grammar().Match(text) : Match.Empty;
        if (!match.Success || !decimal.TryParse(match.Groups["number"].ValueSpan, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            return false;
        var unit = match.Groups["unit"].ValueSpan;
        var power = unit.IsEmpty ? 0 : Units.IndexOf(char.ToUpperInvariant(unit[0])) + 1;
        var factor = 1L << (10 * power);
        if (number > long.MaxValue / factor)
            return false;
        bytes = (long)(number * factor);
        return true;
    }

    /// <summary>The shortest text that reads back as exactly <paramref name="bytes"/>: <c>512M</c>.</summary>
    public static string Format(long bytes)
    {
        var power = 0;
        while (bytes != 0 && bytes % 1024 == 0 && power < Units.Length)
        {
            bytes /= 1024;
            power++;
        }
        return string.Create(CultureInfo.InvariantCulture, $"{bytes}{(power == 0 ? "" : Units[power - 1].ToString())}");
    }

    [GeneratedRegex(@"^(?<number>[0-9]+(\.[0-9]+)?) ?((?<unit>[kKmMgGtTpP])[iI]?)?[bB]?\z")]
    private static partial Regex Grammar();
}
