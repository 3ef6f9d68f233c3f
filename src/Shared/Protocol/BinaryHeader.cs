namespace Berth.Protocol;

/// <summary>Reads headers of gRPC whose names end with <c>-bin</c>: base64, with its padding or without, as gRPC's own clients send it.</summary>
public static class BinaryHeader
{
    /// <summary>What a header holds; null when it is no base64.</summary>
    /// <param name="text">The header's value.</param>
    public static byte[]? Read(string text)
    {
        var bare = text.TrimEnd('=');
        var bytes = new byte[bare.Length / 4 * 3 + 3];
        return Convert.TryFromBase64String(bare.PadRight((bare.Length + 3) / 4 * 4, '='), bytes, out var length) ? bytes[..length] : null;
    }
}
