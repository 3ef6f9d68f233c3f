using System.Net;
using Berth.Identity;
using Berth.Model;

namespace Berth.Tests.Shared.Identity;

public sealed class ManagerFileTests
{
    [Theory]
    [InlineData("10.0.0.1", "10.0.0.1:2400")]
    [InlineData("10.0.0.1:2410", "10.0.0.1:2410")]
    [InlineData("fd00::1", "[fd00::1]:2400")]
    [InlineData("[fd00::1]", "[fd00::1]:2400")]
    [InlineData("[fd00::1]:2410", "[fd00::1]:2410")]
    [InlineData("::1", "[::1]:2400")]
    [InlineData("10.0.0.1:0", null)]
    [InlineData("[fd00::1]:0", null)]
    [InlineData("berth1", null)]
    [InlineData("berth1:2400", null)]
    public void An_address_has_the_port_it_names_or_the_usual_one(string text, string? expected)
    {
        Assert.Equal(expected, ManagerFile.EndPointOf(text)?.ToString());
        Assert.Equal($"https://{expected ?? text}", ManagerFile.UrlOf(text));
    }

    [Fact]
    public void What_is_told_to_others_is_read_as_the_same_address()
    {
        foreach (var address in (string[])["10.0.0.1:2400", "10.0.0.1:2410", "[fd00::1]:2400", "[fd00::1]:2410"])
        {
            var file = new ManagerFile { NodeId = new NodeId(7), Hostname = "h", Advertise = IPEndPoint.Parse(address) };
            Assert.Equal(file.Advertise, ManagerFile.Parse(file.Format()).Advertise);
            Assert.Equal(file.Url, ManagerFile.UrlOf(file.Address));
        }
    }

    [Fact]
    public void Its_text_for_logs_opens_nothing()
    {
        using var authority = CertificateAuthority.Create(new ClusterId(5), TimeProvider.System.GetUtcNow(), TimeSpan.FromDays(1));
        var file = new ManagerFile
        {
            NodeId = new NodeId(7),
            Hostname = "h",
            Advertise = new IPEndPoint(IPAddress.Loopback, 2400),
            Store = "postgres",
            Postgres = "Host=db;Password=hidden",
            JoinToken = JoinToken.For(authority.Certificate, JoinToken.NewSecret()),
        };

        Assert.DoesNotContain("hidden", file.ToString());
        Assert.DoesNotContain("BERTH-1-", file.ToString());
        Assert.Contains("postgres", file.ToString());
    }
}
