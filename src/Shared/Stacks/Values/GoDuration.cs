using System.Globalization;
using System.Text;

namespace Berth.Stacks.Values;

/// <summary>Durations as Docker's files and flags write them: <c>1m30s</c>, <c>500ms</c>, <c>1.5h</c>, <c>0</c>.</summary>
public static class GoDuration
{
    /// <summary>What to write, for messages.</summary>
    public const string Form = "a number with a unit (ns, us, ms, s, m, h), such as 10s or 1m30s";

    // Docker counts nanoseconds in 63 bits, about 292 years.
    private static readonly UInt128 Most = long.MaxValue;

    /// <summary>Reads a duration; what is below 100 ns is cut off.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = default;
        var rest = text.AsSpan();
        var negative = rest is ['-', ..];
        if (rest is ['-' or '+', ..])
            rest = rest[1..];
        if (rest is "0")
            return true;
        if (rest.IsEmpty)
            return false;

        UInt128 total = 0;
        while (!rest.IsEmpty)
        {
            if (!TryReadPart(ref rest, out var nanoseconds) || (total += nanoseconds) > Most)
                return false;
        }
        var ticks = (long)(total / 100);
        duration = TimeSpan.FromTicks(negative ? -ticks : ticks);
        return true;
    }

    /// <summary>The shortest text that reads back as <paramref name="duration"/>, as Go prints it: <c>1m30s</c>.</summary>
    public static string Format(TimeSpan duration)
    {
        if (duration == TimeSpan.Zero)
            return "0s";
        var text = new StringBuilder(duration < TimeSpan.Zero ? "-" : "");
        var ticks = UInt128.CreateTruncating(Int128.Abs(duration.Ticks));
        var (whole, fraction) = ((long)(ticks / TimeSpan.TicksPerSecond), (long)(ticks % TimeSpan.TicksPerSecond));
        var (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
        if (whole == 0)
            return text.Append((fraction / 10_000m).ToString("0.####", CultureInfo.InvariantCulture)).Append("ms").ToString();
        if (hours > 0)
            text.Append(CultureInfo.InvariantCulture, $"{hours}h");
        if (minutes > 0)
            text.Append(CultureInfo.InvariantCulture, $"{minutes}m");
        if (seconds > 0 || fraction > 0)
            text.Append((seconds + fraction / 10_000_000m).ToString("0.#######", CultureInfo.InvariantCulture)).Append('s');
        return text.ToString();
    }

    private static bool TryReadPart(scoped ref ReadOnlySpan<char> rest, out UInt128 nanoseconds)
    {
        nanoseconds = 0;
        var whole = Digits(ref rest);
        var fraction = ReadOnlySpan<char>.Empty;
        if (rest is ['.', ..])
        {
            rest = rest[1..];
            fraction = Digits(ref rest);
        }
        if ((whole.IsEmpty && fraction.IsEmpty) || !TryReadUnit(ref rest, out var unit))
            return false;
        if (whole.TrimStart('0').Length > 19)
            return false;
        var amount = whole.IsEmpty ? UInt128.Zero : UInt128.Parse(whole, CultureInfo.InvariantCulture);
        nanoseconds = amount * unit;
        UInt128 scale = 1, part = 0;
        foreach (var digit in fraction[..Math.Min(fraction.Length, 15)])
        {
            part = part * 10 + (UInt128)(digit - '0');
            scale *= 10;
        }
        nanoseconds += part * unit / scale;
        return true;
    }

    private static ReadOnlySpan<char> Digits(scoped ref ReadOnlySpan<char> rest)
    {
        var length = rest.IndexOfAnyExceptInRange('0', '9');
        var digits = length < 0 ? rest : rest[..length];
        rest = rest[digits.Length..];
        return digits;
    }

    private static bool TryReadUnit(scoped ref ReadOnlySpan<char> rest, out UInt128 unit)
    {
        (unit, var length) = rest switch
        {
            ['n', 's', ..] => (1UL, 2),
            ['u' or 'µ' or 'μ', 's', ..] => (1_000UL, 2),
            ['m', 's', ..] => (1_000_000UL, 2),
            ['s', ..] => (1_000_000_000UL, 1),
            ['m', ..] => (60_000_000_000UL, 1),
            ['h', ..] => (3_600_000_000_000UL, 1),
            _ => (0UL, 0),
        };
        rest = rest[length..];
        return length > 0;
    }
}
