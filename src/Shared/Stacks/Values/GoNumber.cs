using System.Globalization;

namespace Berth.Stacks.Values;

/// <summary>How Docker turns an unquoted YAML number into text where a file wants text (<c>environment: {A: 1.10}</c>).</summary>
internal static class GoNumber
{
    // The power of ten from which on Go writes an exponent: 100000, but 1e+06.
    private const int ExponentFrom = 6;

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
        if (value == 0)
            return double.IsNegative(value) ? "-0" : "0";

        // .NET gives the shortest digits; where the point and the exponent go is Go's %g.
        var (digits, exponent) = ShortestDigits(Math.Abs(value));
        var sign = value < 0 ? "-" : "";
        if (exponent is < -4 or >= ExponentFrom)
            return string.Create(CultureInfo.InvariantCulture, $"{sign}{digits[0]}{(digits.Length > 1 ? "." : "")}{digits[1..]}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
        if (exponent < 0)
            return $"{sign}0.{new string('0', -exponent - 1)}{digits}";
        var whole = digits.PadRight(exponent + 1, '0');
        return sign + whole[..(exponent + 1)] + (whole.Length > exponent + 1 ? "." + whole[(exponent + 1)..] : "");
    }

    // 120.5 → "1205", 2: the value is 1.205 times ten to the second.
    private static (string Digits, int Exponent) ShortestDigits(double value)
    {
        var parts = value.ToString("R", CultureInfo.InvariantCulture).Split('E');
        var exponent = parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : 0;
        var point = parts[0].IndexOf('.');
        var digits = parts[0].Replace(".", "", StringComparison.Ordinal);
        exponent += (point < 0 ? parts[0].Length : point) - 1;
        var leading = digits.Length - digits.TrimStart('0').Length;
        return (digits.Trim('0'), exponent - leading);
    }

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
