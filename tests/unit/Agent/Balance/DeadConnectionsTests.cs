using System.Net;
using Berth.Agent.Balance;

namespace Berth.Tests.Agent.Balance;

public sealed class DeadConnectionsTests
{
    [Fact]
    public void Only_what_was_led_to_a_container_that_is_gone_is_dead()
    {
        var gone = Of("10.130.15.10:80", "10.130.1.2:80");
        Connection[] connections =
        [
            gone,
            Of("10.130.15.10:80", "10.130.1.3:80"),
            // Led by somebody else, or not led at all.
            Of("192.0.2.1:80", "172.17.0.2:80"),
            Of("10.130.1.9:80", "10.130.1.9:80") with { IsTranslated = false },
        ];

        Assert.Equal([gone], DeadConnections.Of(connections, APlane.Pool, [IPAddress.Parse("10.130.1.3")]));
    }

    [Fact]
    public void A_nudge_has_checksums_that_hold()
    {
        var packet = new byte[Nudge.Length];
        Nudge.Write(packet, IPEndPoint.Parse("10.130.15.10:80"), IPEndPoint.Parse("10.130.1.7:40001"), 0x12345678);

        Assert.Equal(0, Nudge.Checksum(packet.AsSpan(0, 20), 0));
        byte[] pseudo = [.. packet[12..20], 0, 6, 0, 20, .. packet[20..]];
        Assert.Equal(0, Nudge.Checksum(pseudo, 0));
        Assert.Equal([10, 130, 15, 10, 10, 130, 1, 7], packet[12..20]);
    }

    private static Connection Of(string called, string answering) =>
        new(Connection.Tcp, IPEndPoint.Parse("10.130.1.7:40001"), IPEndPoint.Parse(called), IPEndPoint.Parse(answering), IsTranslated: true, [], []);
}
