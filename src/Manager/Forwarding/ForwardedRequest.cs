using Microsoft.AspNetCore.Http;

namespace Berth.Manager.Forwarding;

/// <summary>A call's one request, read whole: it can be sent again to whoever leads by then.</summary>
public static class ForwardedRequest
{
    // A message's frame has five bytes of its own.
    private const int FrameBytes = 5;

    /// <summary>The longest request that is passed on, bytes; as long as the leader would take itself.</summary>
    public const int MostBytes = (16 << 20) + FrameBytes;

    /// <summary>The longest request of somebody who has not proved who he is.</summary>
    public const int MostAnonymousBytes = 64 << 10;

    private const int FirstBytes = 4 << 10;

    /// <summary>Reads the request of <paramref name="call"/> and puts it back to be read again.</summary>
    /// <returns>Null when it is longer than <paramref name="most"/>.</returns>
    public static async Task<MemoryStream?> ReadAsync(HttpContext call, int most, CancellationToken cancellation)
    {
        var whole = new MemoryStream(FirstBytes);
        var buffer = new byte[FirstBytes];
        int read;
        while ((read = await call.Request.Body.ReadAsync(buffer, cancellation)) > 0)
        {
            if (whole.Length + read > most)
                return null;
            whole.Write(buffer, 0, read);
            if (read == buffer.Length && buffer.Length < 64 << 10)
                buffer = new byte[buffer.Length * 2];
        }
        whole.Position = 0;
        call.Request.Body = whole;
        return whole;
    }
}
