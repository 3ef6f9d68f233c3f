using System.Globalization;

namespace Berth.Stacks.Values;

/// <summary>How Docker turns an unquoted YAML number into text where a file wants text (<c>environment: {A: 1.10}</c>).</summary>
internal static class GoNumber
{
    /// <summary>The integer in decimal: <c>0x10</c> → 16, <c>010</c> → 8, <c>1_000</c> → 1000. As written when it is too large for 64 bits.</summary>
    public static string FromInteger(string written)
    {
        var digits = written.Replace("_", "", StringComparison.Ordinal);
        var negative = digits is ['-', ..];
        if (digits is ['-' or '+', ..])
            digits = digits[1..];
        if (!TryParse(digits, out var value))
            return written;
        return string.Create(CultureInfo.InvariantCulture, $"{(negative && value != 0 ? "-" : "")}{value}");
    }

    /// <summary>The number in its shortest form: <c>1.10</c> → 1.1, <c>1e3</c> → 1000.</summary>
    public static string FromFloat(string written)
    {
        if (!double.TryParse(written, NumberStyles.Float, CultureInfo.InvariantCulture, out var value))
            return written.Contains("nan", StringComparison.OrdinalIgnoreCase) ? "NaN" : written.StartsWith('-') ? "-Inf" : "+Inf";
        if (double.IsInfinity(value))
            return value > 0 ? "+Inf" : "-Inf";
        // Go writes an exponent only below -4 and from 21 on; .NET's shortest form does so from 15 on.
        var size = Math.Abs(value);
        if (size == 0 || (size >= 1e-4 && size < 1e21))
            return size < 1e15 ? value.ToString("0.####################", CultureInfo.InvariantCulture) is var plain && IsExact(plain, value)
                    ? plain
                    : value.ToString("R", CultureInfo.InvariantCulture)
                : value.ToString("F0", CultureInfo.InvariantCulture);
        return value.ToString("R", CultureInfo.InvariantCulture).Replace('E', 'e');
    }

    private static bool IsExact(string text, double value) =>
        double.Parse(text, CultureInfo.InvariantCulture).Equals(value);

    private static bool TryParse(string digits, out ulong value)
    {
        var (numberBase, start) = digits switch
        {
            ['0', 'x' or 'X', ..] => (16u, 2),
            ['0', 'o', ..] => (8u, 2),
            ['0', 'b', ..] => (2u, 2),
            ['0', _, ..] => (8u, 1),
            _ => (10u, 0),
        };
        value = 0;
        UInt128 total = 0;
        foreach (var digit in digits.AsSpan(start))
        {
            total = total * numberBase + (uint)Convert.ToInt32(digit.ToString(), 16);
            if (total > ulong.MaxValue)
                return false;
        }
        value = (ulong)total;
        return true;
    }
}
