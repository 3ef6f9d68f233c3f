using System.Buffers.Binary;
using System.Text;
using Berth.Agent.Engine;

namespace Berth.Tests.Agent.Engine;

public sealed class LogFramesTests
{
    private static byte[] Frame(byte stream, string text)
    {
        var bytes = Encoding.UTF8.GetBytes("2026-01-02T03:04:05.000000006Z " + text);
        var frame = new byte[8 + bytes.Length];
        frame[0] = stream;
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(4), (uint)bytes.Length);
        bytes.CopyTo(frame, 8);
        return frame;
    }

    private static async Task<List<(bool IsStderr, string Text)>> ReadAsync(params byte[][] frames)
    {
        using var stream = new MemoryStream([.. frames.SelectMany(frame => frame)]);
        var lines = new List<(bool, string)>();
        await foreach (var line in LogFrames.FramedAsync(stream, default))
            lines.Add((line.IsStderr, Encoding.UTF8.GetString(line.Text.Span)));
        return lines;
    }

    [Fact]
    public async Task Streams_are_told_apart_and_lines_lose_their_end() =>
        Assert.Equal([(false, "out"), (true, "err"), (false, "")], await ReadAsync(Frame(1, "out\n"), Frame(2, "err\r\n"), Frame(1, "\n")));

    [Fact]
    public async Task A_long_line_in_several_frames_is_one_line_with_one_timestamp() =>
        Assert.Equal([(false, "abcd ef")], await ReadAsync(Frame(1, "ab"), Frame(1, "cd "), Frame(1, "ef\n")));

    [Fact]
    public async Task A_last_line_without_an_end_is_not_lost() =>
        Assert.Equal([(false, "half")], await ReadAsync(Frame(1, "half")));
}
