using Berth.Agent.Hosting;

namespace Berth.Tests.Agent.Hosting;

public sealed class AgentOptionsTests
{
    private static (AgentOptions? Options, IReadOnlyList<string> Errors) Parse(params string[] arguments) => AgentOptions.Parse(arguments, _ => null);

    [Fact]
    public void Flags_win_over_the_environment()
    {
        var (options, errors) = AgentOptions.Parse(
            ["--manager", "https://10.0.0.1:2400", "--manager=unix:///run/m.sock", "--role", "manager"],
            name => name switch { "BERTH_MANAGER" => "https://10.9.9.9:2400", "BERTH_DATA" => "/srv/berth", _ => null });
        Assert.Empty(errors);
        Assert.Equal(["https://10.0.0.1:2400/", "unix:///run/m.sock"], options!.Managers.Select(manager => manager.ToString()));
        Assert.Equal(("/srv/berth", true, "/var/run/docker.sock"), (options.Data, options.IsManager, options.EngineSocket));
    }

    [Fact]
    public void Nobody_is_dialled_over_a_network_without_tls() =>
        Assert.Contains("write https://", Assert.Single(Parse("--manager", "http://10.0.0.1:2400").Errors), StringComparison.Ordinal);

    [Fact]
    public void Every_error_is_said_at_once()
    {
        var (options, errors) = Parse("--manager", "10.0.0.1:2400", "--engine", "tcp://x", "--role", "boss", "--address", "x", "--log-level", "loud", "--nosuch");
        Assert.Null(options);
        Assert.Equal(6, errors.Count);
    }

    [Fact]
    public void Without_a_manager_it_waits_to_be_joined() =>
        Assert.Empty(Parse().Options!.Managers);
}
