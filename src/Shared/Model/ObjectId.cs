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

    /// <summary>The 25 characters of <paramref name="value"/>.</summary>
    public static string Format(UInt128 value) => string.Create(Length, value, static (text, rest) =>
    {
        for (var at = Length - 1; at >= 0; at--)
        {
            (rest, var digit) = UInt128.DivRem(rest, 36);
            text[at] = Digits[(int)digit];
        }
    });

    /// <summary>Reads 25 characters of <c>0-9a-z</c>; refuses anything else, also what exceeds 128 bits.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out UInt128 value)
    {
        value = UInt128.Zero;
        if (text is not { Length: Length })
            return false;

        foreach (var character in text)
        {
            var digit = character switch
            {
                >= '0' and <= '9' => character - '0',
                >= 'a' and <= 'z' => character - 'a' + 10,
                _ => -1,
            };
            if (digit < 0 || value > (UInt128.MaxValue - (UInt128)digit) / 36)
                return false;
            value = value * 36 + (UInt128)digit;
        }
        return true;
    }

    internal static UInt128 Parse(string text, string what) =>
        TryParse(text, out var value)
            ? value
            : throw new FormatException($"'{text}' is not a {what} id: ids are {Length} characters of 0-9 and a-z.");
}
