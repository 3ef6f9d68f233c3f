using System.Diagnostics.CodeAnalysis;

namespace Berth.Model;

/// <summary>Docker's object ids: 25 characters of <c>0-9a-z</c>, held as the 128-bit number they spell.</summary>
/// <remarks>swarmkit writes 128 random bits in base 36, padded to 25 digits; so does Berth, and a number costs
/// 16 bytes in memory where the text costs 72.</remarks>
public static class ObjectId
{
    /// <summary>Characters in an id's text.</summary>
    public const int Length = 25;

    private const string Digits = "0123456789abcdefghijklmnopqrstuvwxyz";

    // 12 digits fit 64 bits, which are divided and multiplied many times faster than 128.
    private const int HalfLength = 12;
    private const ulong Half = 4_738_381_338_321_616_896;

    /// <summary>The 25 characters of <paramref name="value"/>.</summary>
    public static string Format(UInt128 value) => string.Create(Length, value, static (text, whole) =>
    {
        var (rest, low) = UInt128.DivRem(whole, Half);
        var (first, high) = UInt128.DivRem(rest, Half);
        text[0] = Digits[(int)first];
        Write(text.Slice(1, HalfLength), (ulong)high);
        Write(text.Slice(1 + HalfLength, HalfLength), (ulong)low);
    });

    /// <summary>Reads 25 characters of <c>0-9a-z</c>; refuses anything else, also what exceeds 128 bits.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out UInt128 value)
    {
        value = UInt128.Zero;
        if (text is not { Length: Length }
            || !TryRead(text.AsSpan(0, 1), out var first)
            || !TryRead(text.AsSpan(1, HalfLength), out var high)
            || !TryRead(text.AsSpan(1 + HalfLength), out var low))
        {
            return false;
        }

        // Below 36^13: it cannot exceed 128 bits.
        var upper = (UInt128)first * Half + high;
        if (upper > (UInt128.MaxValue - low) / Half)
            return false;
        value = upper * Half + low;
        return true;
    }

    private static void Write(Span<char> text, ulong rest)
    {
        for (var at = text.Length - 1; at >= 0; at--)
        {
            (rest, var digit) = Math.DivRem(rest, 36);
            text[at] = Digits[(int)digit];
        }
    }

    private static bool TryRead(ReadOnlySpan<char> text, out ulong value)
    {
        value = 0;
        foreach (var character in text)
        {
            var digit = character switch
            {
                >= '0' and <= '9' => character - '0',
                >= 'a' and <= 'z' => character - 'a' + 10,
                _ => -1,
            };
            if (digit < 0)
                return false;
            value = value * 36 + (ulong)digit;
        }
        return true;
    }

    internal static UInt128 Parse(string text, string what) =>
        TryParse(text, out var value)
            ? value
            : throw new FormatException($"'{text}' is not a {what} id: ids are {Length} characters of 0-9 and a-z.");
}
