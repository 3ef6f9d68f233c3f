using Berth.Cli.Client;
using Berth.Cli.Client.Contexts;
using Berth.Cli.Output;

namespace Berth.Tests.Cli.Client.Contexts;

public sealed class TargetChoiceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-cli-").FullName;
    private readonly TestAuthority _authority = new();

    public TargetChoiceTests()
    {
        var store = new ContextStore(_folder);
        store.Put("prod", _authority.Bundle("ann", "https://10.0.0.1:2400", "https://10.0.0.2:2400"));
        store.Put("test", _authority.Bundle("ann", "https://10.1.0.1:2400"));
        store.Put("near", new ContextBundle { BerthContext = ContextBundle.Format, Name = "near", Managers = ["unix:///near.sock"] });
    }

    [Theory]
    [InlineData("unix:///a.sock", "prod", "unix:///b.sock", "test", "unix:///a.sock")]
    [InlineData("unix:///a.sock,unix:///b.sock", null, null, null, "unix:///a.sock unix:///b.sock")]
    [InlineData(null, "prod", "unix:///b.sock", "test", "https://10.0.0.1:2400 https://10.0.0.2:2400")]
    [InlineData(null, null, "unix:///b.sock", "test", "https://10.1.0.1:2400")]
    [InlineData(null, null, "unix:///b.sock", null, "unix:///b.sock")]
    [InlineData("", "", "", "", "unix:///near.sock")]
    public void Flags_go_before_the_environment_and_that_before_the_context_in_use(string? host, string? context, string? hostVariable, string? contextVariable, string expected)
    {
        new ContextStore(_folder).Use("near");

        Assert.Equal(expected.Split(' '), Resolve(host, context, hostVariable, contextVariable).Addresses.Select(address => address.Url));
    }

    [Fact]
    public void A_network_address_is_asked_as_the_contexts_client()
    {
        var target = Resolve("https://10.0.0.9", "prod", null, null);

        Assert.Equal(("https://10.0.0.9:2400", "prod", "ann"), (target.Addresses.Single().Url, target.Context, target.Tls!.Client.Name));
    }

    [Theory]
    [InlineData("https://10.0.0.9", null, "a manager's network address is asked only with a client certificate, and no context is in use")]
    [InlineData("https://10.0.0.9", "near", "context 'near' has no client certificate, and a manager's network address needs one")]
    [InlineData(null, "nowhere", "there is no context 'nowhere' (--context)")]
    public void Without_a_certificate_a_network_address_is_not_asked(string? host, string? context, string why)
    {
        var error = Assert.Throws<UserError>(() => Resolve(host, context, null, null));

        Assert.Equal((why, ExitCode.WrongUsage), (error.Message, error.Code));
        Assert.NotNull(error.Next);
    }

    private ManagerTarget Resolve(string? host, string? context, string? hostVariable, string? contextVariable) => TargetChoice.Resolve(
        host, context, false, name => name switch { "BERTH_HOST" => hostVariable, "BERTH_CONTEXT" => contextVariable, _ => null }, new ContextStore(_folder), TimeProvider.System);

    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
