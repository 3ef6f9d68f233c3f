using System.Net;
using System.Net.Sockets;
using Berth.Telemetry;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Tests.Shared.Telemetry;

public sealed class PageServerTests : IDisposable
{
    private static readonly Dictionary<string, Func<string>> Pages = new() { ["/metrics"] = () => "berth_leader 1\n" };
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("berth-pages-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("127.0.0.1:2410")]
    [InlineData("127.8.9.10:1")]
    [InlineData("[::1]:2410")]
    public void Loopback_may_be_listened_on(string text) => Assert.True(LoopbackAddress.TryParse(text, out _, out _));

    [Theory]
    [InlineData("0.0.0.0:2410", "can be reached from other hosts")]
    [InlineData("10.0.0.1:2410", "can be reached from other hosts")]
    [InlineData("[::]:2410", "can be reached from other hosts")]
    [InlineData("127.0.0.1", "write 127.0.0.1:PORT")]
    [InlineData("localhost:2410", "write 127.0.0.1:PORT")]
    public void Any_other_address_is_refused_with_its_reason(string text, string reason)
    {
        Assert.False(LoopbackAddress.TryParse(text, out _, out var error));
        Assert.Contains(text, error);
        Assert.Contains(reason, error);
    }

    [Fact]
    public async Task A_unix_socket_is_its_owners_and_serves_the_page()
    {
        var path = Path.Combine(_folder.FullName, "agent.sock");
        // What an earlier run left behind is in nobody's way.
        await File.WriteAllTextAsync(path, "stale");
        await using var server = PageServer.Listen(new UnixDomainSocketEndPoint(path), Pages, NullLogger.Instance);

        using var client = Client(new UnixDomainSocketEndPoint(path));
        var answer = await client.GetAsync(new Uri("http://agent/metrics"));

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        Assert.Equal("berth_leader 1\n", await answer.Content.ReadAsStringAsync());
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", answer.Content.Headers.ContentType!.ToString());
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync(new Uri("http://agent/secrets"))).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await client.PostAsync(new Uri("http://agent/metrics"), new StringContent("x"))).StatusCode);
    }

    [Fact]
    public async Task Somebody_who_says_nothing_does_not_keep_others_waiting()
    {
        var path = Path.Combine(_folder.FullName, "agent.sock");
        await using var server = PageServer.Listen(new UnixDomainSocketEndPoint(path), Pages, NullLogger.Instance);
        using var silent = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await silent.ConnectAsync(new UnixDomainSocketEndPoint(path));

        using var client = Client(new UnixDomainSocketEndPoint(path));

        Assert.Equal("berth_leader 1\n", await client.GetStringAsync(new Uri("http://agent/metrics")));
    }

    private static HttpClient Client(EndPoint address) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancel) =>
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(address, cancel);
            return new NetworkStream(socket, ownsSocket: true);
        },
    });
}
