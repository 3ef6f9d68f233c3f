using Berth.Cli.Client;
using Berth.Cli.Output;

namespace Berth.Tests.Cli.Client;

public sealed class ManagerAddressTests
{
    [Theory]
    [InlineData("https://10.0.0.1:2400", "https://10.0.0.1:2400")]
    [InlineData("https://10.0.0.1", "https://10.0.0.1:2400")]
    [InlineData("https://10.0.0.1:443/", "https://10.0.0.1:443")]
    [InlineData("https://[fd00::1]", "https://[fd00::1]:2400")]
    [InlineData("http://10.0.0.1:80/", "http://10.0.0.1:80")]
    [InlineData("unix:///tmp/m.sock", "unix:///tmp/m.sock")]
    public void The_port_is_the_managers_where_none_is_given(string text, string expected) =>
        Assert.Equal(expected, ManagerAddress.Parse(text, "test").Url);

    [Fact]
    public void Several_addresses_are_separated_by_commas_and_counted_once() =>
        Assert.Equal(["unix:///a.sock", "https://10.0.0.2:2400"],
            ManagerAddress.ParseAll("unix:///a.sock, https://10.0.0.2,unix:///a.sock,", "test").Select(address => address.Url));

    [Theory]
    [InlineData("10.0.0.1:2400", "it has neither unix:// nor https:// before it")]
    [InlineData("unix://run/x.sock", "a socket's path is absolute")]
    [InlineData("tcp://10.0.0.1:2400", "'tcp' is not a way to reach a manager")]
    [InlineData("https://10.0.0.1/v1", "an address has no path")]
    [InlineData(",", "it is empty")]
    public void What_is_no_address_is_refused_with_the_reason(string text, string why)
    {
        var error = Assert.Throws<UserError>(() => ManagerAddress.ParseAll(text, "--host"));
        Assert.Equal($"manager address '{text}' from --host: {why}", error.Message);
        Assert.Equal(ExitCode.WrongUsage, error.Code);
    }
}
