using Berth.Cli.Client;
using Berth.Cli.Output;

namespace Berth.Tests.Cli.Client;

public sealed class ManagerAddressTests
{
    [Theory]
    [InlineData("http://10.0.0.1:2400", null, "http://10.0.0.1:2400")]
    [InlineData("http://10.0.0.1", null, "http://10.0.0.1:2400")]
    [InlineData("http://10.0.0.1:80/", null, "http://10.0.0.1:80")]
    [InlineData("unix:///tmp/m.sock", "http://10.0.0.1", "unix:///tmp/m.sock")]
    [InlineData(null, "unix:///tmp/env.sock", "unix:///tmp/env.sock")]
    [InlineData("", "", "unix:///run/berth/manager.sock")]
    public void The_flag_goes_before_the_variable_and_that_before_the_default(string? flag, string? variable, string expected) =>
        Assert.Equal(expected, ManagerAddress.Resolve(flag, name => name == "BERTH_HOST" ? variable : null).Url);

    [Theory]
    [InlineData("10.0.0.1:2400", "it has neither unix:// nor http:// before it")]
    [InlineData("unix://run/x.sock", "a socket's path is absolute")]
    [InlineData("https://10.0.0.1", "managers do not speak TLS yet")]
    [InlineData("tcp://10.0.0.1:2400", "'tcp' is not a way to reach a manager")]
    [InlineData("http://10.0.0.1/v1", "an address has no path")]
    public void What_is_no_address_is_refused_with_the_reason(string text, string why)
    {
        var error = Assert.Throws<UserError>(() => ManagerAddress.Resolve(text, _ => null));
        Assert.Equal($"manager address '{text}' from --host: {why}", error.Message);
        Assert.Equal(ExitCode.WrongUsage, error.Code);
    }
}
