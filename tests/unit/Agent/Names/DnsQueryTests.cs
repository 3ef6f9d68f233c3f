using System.Buffers.Binary;
using System.Text;
using Berth.Agent.Names;
using CsCheck;

namespace Berth.Tests.Agent.Names;

public sealed class DnsQueryTests
{
    [Fact]
    public void What_is_written_is_read()
    {
        Assert.Equal(DnsCode.Done, DnsQuery.Read(ADnsPacket.Query("Web.Shop", DnsCode.Address, 4096), out var query));

        Assert.Equal("web.shop", query.Name);
        Assert.Equal((ADnsPacket.Id, DnsCode.Address, DnsCode.Internet, (ushort)4096), (query.Id, query.Type, query.Class, query.OfferedSize));
        Assert.Equal(DnsCode.LongestDatagram, query.Limit(isTcp: false));
        Assert.Equal(DnsCode.LongestMessage, query.Limit(isTcp: true));
    }

    [Fact]
    public void Any_bytes_are_read_and_answered_without_an_error()
    {
        Gen.Byte.Array[0, 80].Sample(bytes => Answered(bytes), iter: 20_000);
        // Mutations of what is right get farther.
        Gen.Select(Gen.Int[0, 60], Gen.Byte, Gen.Int[12, 60]).Sample((at, value, length) =>
        {
            var packet = ADnsPacket.Query("tasks.web.shop", DnsCode.Address, 1232);
            packet[at % packet.Length] = value;
            Answered(packet[..Math.Min(length, packet.Length)]);
        }, iter: 20_000);
    }

    [Fact]
    public void An_answer_has_what_fits_and_says_when_that_is_not_all()
    {
        var packet = ADnsPacket.Query("tasks.web", DnsCode.Address, null);
        DnsQuery.Read(packet, out var query);
        var records = Enumerable.Range(1, 100).Select(at => new DnsRecord(System.Net.IPAddress.Parse($"10.130.1.{at}"))).ToArray();
        var reply = new byte[4096];

        var length = DnsReply.Write(packet, query, DnsCode.Done, records, query.Limit(isTcp: false), reply);

        Assert.InRange(length, 450, 512);
        Assert.Equal(2, reply[2] & 2);
        Assert.Equal((length - query.QuestionEnd) / 16, BinaryPrimitives.ReadUInt16BigEndian(reply.AsSpan(6)));
        DnsReply.Write(packet, query, DnsCode.Done, records, query.Limit(isTcp: true), reply);
        Assert.Equal(0, reply[2] & 2);
        Assert.Equal(100, BinaryPrimitives.ReadUInt16BigEndian(reply.AsSpan(6)));
    }

    [Fact]
    public void Only_the_answer_to_the_very_question_is_believed()
    {
        var question = ADnsPacket.Query("example.com", DnsCode.Address, null);
        DnsQuery.Read(question, out var query);
        var answer = ADnsPacket.Query("EXAMPLE.com", DnsCode.Address, null);
        answer[2] |= 0x80;

        Assert.True(Upstream.IsAnswer(question, query.QuestionEnd, answer));
        Assert.False(Upstream.IsAnswer(question, query.QuestionEnd, question));
        answer[0]++;
        Assert.False(Upstream.IsAnswer(question, query.QuestionEnd, answer));
        var other = ADnsPacket.Query("example.net", DnsCode.Address, null);
        other[2] |= 0x80;
        Assert.False(Upstream.IsAnswer(question, query.QuestionEnd, other));
    }

    [Theory]
    [InlineData("nameserver 10.0.0.2\nnameserver 127.0.0.53 \n# nameserver 1.1.1.1\nsearch x\nnameserver 169.254.77.53\nnameserver\nnameserver fe::1", "10.0.0.2 127.0.0.53 fe::1")]
    [InlineData("", "")]
    public void The_hosts_own_servers_are_asked_but_never_the_agent(string file, string servers) =>
        Assert.Equal(servers, string.Join(' ', ResolverFile.Parse(file, System.Net.IPAddress.Parse("169.254.77.53"))));

    private static void Answered(byte[] bytes)
    {
        if (DnsQuery.Read(bytes, out var query) is not { } code)
            return;
        var reply = new byte[4096];
        var length = DnsReply.Write(bytes, query, code, [], query.Limit(isTcp: false), reply);
        Assert.InRange(length, DnsCode.HeaderLength, DnsCode.LongestDatagram);
        Assert.True((reply[2] & 0x80) != 0);
    }
}

/// <summary>Packets as clients send them.</summary>
internal static class ADnsPacket
{
    public const ushort Id = 0x1234;

    public static byte[] Query(string name, ushort type, ushort? offered)
    {
        var packet = new List<byte> { Id >> 8, Id & 0xff, 1, 0, 0, 1, 0, 0, 0, 0, 0, (byte)(offered is null ? 0 : 1) };
        foreach (var label in name.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            packet.Add((byte)label.Length);
            packet.AddRange(Encoding.Latin1.GetBytes(label));
        }
        packet.AddRange([0, (byte)(type >> 8), (byte)type, 0, 1]);
        if (offered is { } size)
            packet.AddRange([0, 0, (byte)DnsCode.Options, (byte)(size >> 8), (byte)size, 0, 0, 0, 0, 0, 0]);
        return [.. packet];
    }
}
