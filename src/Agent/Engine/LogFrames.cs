using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Berth.Agent.Engine;

/// <summary>Reads Docker's log streams: frames of two streams, or plain lines where the container has a terminal.</summary>
/// <remarks>Every frame starts with a timestamp. A line longer than 16 KiB comes in several frames, each with its own, which
/// is why frames and not just lines are read.</remarks>
internal static class LogFrames
{
    private const int HeaderBytes = 8;
    private const int LongestLine = 1 << 20;

    /// <summary>Lines of a container without a terminal.</summary>
    public static async IAsyncEnumerable<LogEntry> FramedAsync(Stream stream, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var header = new byte[HeaderBytes];
        var lines = new[] { new LineBuilder(isStderr: false), new LineBuilder(isStderr: true) };
        while (await stream.ReadAtLeastAsync(header, HeaderBytes, throwOnEndOfStream: false, cancellation).ConfigureAwait(false) == HeaderBytes)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(4));
            if (length > LongestLine)
                throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"log frame of {length} bytes"));
            var frame = new byte[length];
            await stream.ReadExactlyAsync(frame, cancellation).ConfigureAwait(false);
            if (lines[header[0] == 2 ? 1 : 0].Add(frame) is { } line)
                yield return line;
        }
        foreach (var rest in lines)
        {
            if (rest.Rest() is { } line)
                yield return line;
        }
    }

    /// <summary>Lines of a container with a terminal.</summary>
    public static async IAsyncEnumerable<LogEntry> PlainAsync(Stream stream, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var reader = new StreamReader(stream, Encoding.UTF8);
        while (await reader.ReadLineAsync(cancellation).ConfigureAwait(false) is { } line)
        {
            var builder = new LineBuilder(isStderr: false);
            if (builder.Add(Encoding.UTF8.GetBytes(line + "\n")) is { } entry)
                yield return entry;
        }
    }

    /// <summary>Puts the frames of one stream together into lines.</summary>
    private sealed class LineBuilder(bool isStderr)
    {
        private readonly MemoryStream _text = new();
        private DateTimeOffset? _time;

        /// <summary>Takes one frame; gives the line it ends, if it ends one.</summary>
        public LogEntry? Add(ReadOnlySpan<byte> frame)
        {
            var space = frame.IndexOf((byte)' ');
            if (space > 0 && DateTimeOffset.TryParse(
                Encoding.ASCII.GetString(frame[..space]), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
            {
                _time ??= time;
                frame = frame[(space + 1)..];
            }
            _text.Write(frame);
            return frame.EndsWith("\n"u8) || _text.Length >= LongestLine ? Rest() : null;
        }

        /// <summary>What has no line end yet.</summary>
        public LogEntry? Rest()
        {
            if (_time is not { } time)
                return null;
            var text = _text.ToArray().AsMemory();
            _text.SetLength(0);
            _time = null;
            var end = text.Span.TrimEnd("\r\n"u8).Length;
            return new LogEntry(time, isStderr, text[..end]);
        }
    }
}
