using System.Globalization;
using System.Text;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace Berth.Manager.Access;

/// <summary>A gRPC status written by hand, for a call that no service of this process handles.</summary>
public static class GrpcAnswer
{
    /// <summary>Answers with a status and nothing else.</summary>
    public static void Write(HttpContext call, Status status) => Write(call, status.StatusCode, status.Detail);

    /// <summary>Answers with a status and nothing else.</summary>
    /// <param name="call">A call whose answer has not begun.</param>
    /// <param name="code">The status.</param>
    /// <param name="message">For people.</param>
    public static void Write(HttpContext call, StatusCode code, string message)
    {
        var response = call.Response;
        response.Headers.Remove("content-length");
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "application/grpc";
        response.Headers["grpc-status"] = ((int)code).ToString(CultureInfo.InvariantCulture);
        response.Headers["grpc-message"] = Encode(message);
    }

    /// <summary>Percent-encodes a message as the gRPC protocol demands of headers.</summary>
    public static string Encode(string message)
    {
        var encoded = new StringBuilder(message.Length);
        foreach (var unit in Encoding.UTF8.GetBytes(message))
        {
            if (unit is >= 0x20 and <= 0x7E and not (byte)'%')
                encoded.Append((char)unit);
            else
                encoded.Append('%').Append(unit.ToString("X2", CultureInfo.InvariantCulture));
        }
        return encoded.ToString();
    }

    /// <summary>Reads a call's <c>grpc-timeout</c>.</summary>
    /// <returns>Null when it has none, or one that cannot be read: the service then refuses it.</returns>
    public static TimeSpan? Timeout(string? header)
    {
        if (header is not { Length: >= 2 and <= 9 } || !long.TryParse(header.AsSpan(0, header.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var amount))
            return null;
        var ticks = header[^1] switch
        {
            'H' => TimeSpan.TicksPerHour,
            'M' => TimeSpan.TicksPerMinute,
            'S' => TimeSpan.TicksPerSecond,
            'm' => TimeSpan.TicksPerMillisecond,
            'u' => TimeSpan.TicksPerMicrosecond,
            'n' => 0,
            _ => -1L,
        };
        return ticks < 0 ? null : TimeSpan.FromTicks(ticks == 0 ? amount / 100 : amount * ticks);
    }
}
