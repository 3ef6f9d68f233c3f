namespace Berth.Identity;

/// <summary>RFC 4648 base32 without padding, in small letters; capitals are read too.</summary>
internal static class Base32
{
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyz234567";

    /// <summary>How many characters <paramref name="bytes"/> bytes take.</summary>
    public static int LengthOf(int bytes) => (bytes * 8 + 4) / 5;

    public static string Format(ReadOnlySpan<byte> bytes)
    {
        var text = new char[LengthOf(bytes.Length)];
        var (held, bits, at) = (0, 0, 0);
        foreach (var value in bytes)
        {
            held = held << 8 | value;
            for (bits += 8; bits >= 5; bits -= 5)
                text[at++] = Alphabet[held >> (bits - 5) & 31];
            held &= (1 << bits) - 1;
        }
        if (bits > 0)
            text[at] = Alphabet[held << (5 - bits) & 31];
        return new string(text);
    }

    /// <summary>Reads exactly as many bytes as <paramref name="bytes"/> holds; false when the text is anything else. One text
    /// only spells each value: bits that are left over must be zero.</summary>
    public static bool TryRead(ReadOnlySpan<char> text, Span<byte> bytes)
    {
        if (text.Length != LengthOf(bytes.Length))
            return false;
        var (held, bits, at) = (0, 0, 0);
        foreach (var character in text)
        {
            var digit = Alphabet.IndexOf(char.ToLowerInvariant(character), StringComparison.Ordinal);
            if (digit < 0 || character > 'z')
                return false;
            held = held << 5 | digit;
            bits += 5;
            if (bits < 8)
                continue;
            bits -= 8;
            bytes[at++] = (byte)(held >> bits);
            held &= (1 << bits) - 1;
        }
        return held == 0;
    }
}
