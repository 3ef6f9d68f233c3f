using Berth.Manager.Hosting;

namespace Berth.Tests.Manager.Hosting;

public sealed class ManagerOptionsParserTests
{
    [Fact]
    public void Nothing_given_is_the_defaults()
    {
        var options = Parse().Options!;
        Assert.Equal("/var/lib/berth/manager", options.Directory);
        Assert.Equal("unix:///run/berth/manager.sock", Assert.Single(options.Listen).ToString());
        Assert.Equal((1, 3, 10), (options.Heartbeat.TotalSeconds, options.DownAfter.TotalSeconds, options.StartGrace.TotalSeconds));
    }

    [Fact]
    public void Several_addresses_may_be_listened_on()
    {
        var options = Parse("--lab", "--listen", "unix:///a.sock", "--listen=http://10.0.0.1:2400", "--heartbeat", "500ms").Options!;
        Assert.Equal(["unix:///a.sock", "http://10.0.0.1:2400"], options.Listen.Select(address => address.ToString()));
        Assert.Equal(TimeSpan.FromMilliseconds(500), options.Heartbeat);
    }

    [Fact]
    public void The_command_line_wins_over_the_environment()
    {
        string? Environment(string name) => name switch
        {
            "BERTH_MANAGER_DATA" => "/from/environment",
            "BERTH_MANAGER_DOWN_AFTER" => "7s",
            _ => null,
        };
        var options = ManagerOptionsParser.Parse(["--data", "/from/line"], Environment, "1").Options!;
        Assert.Equal(("/from/line", 7), (options.Directory, options.DownAfter.TotalSeconds));
    }

    [Theory]
    [InlineData("--listen", "http://10.0.0.1:2400")]
    [InlineData("--listen", "http://host:2400")]
    [InlineData("--listen", "unix://relative.sock")]
    [InlineData("--listen", "tcp://10.0.0.1:2400")]
    [InlineData("--heartbeat", "3")]
    [InlineData("--heartbeat", "0s")]
    [InlineData("--heartbeat", "-1s")]
    [InlineData("--down-after", "1500ms")]
    [InlineData("--start-grace", "1s")]
    [InlineData("--log-level", "loud")]
    [InlineData("--log-level", "3")]
    [InlineData("--data", "")]
    [InlineData("--data")]
    [InlineData("--foo", "bar")]
    [InlineData("serve")]
    public void What_is_wrong_is_said(params string[] arguments)
    {
        var line = Parse(arguments);
        Assert.Null(line.Options);
        Assert.NotEmpty(line.Problems);
    }

    [Fact]
    public void An_environment_that_names_no_address_to_listen_on_is_refused()
    {
        var line = ManagerOptionsParser.Parse([], name => name == "BERTH_MANAGER_LISTEN" ? " , " : null, "1");
        Assert.Null(line.Options);
        Assert.Contains("--listen", Assert.Single(line.Problems));
    }

    [Fact]
    public void Every_problem_is_said_at_once() =>
        Assert.Equal(3, Parse("--foo", "--heartbeat", "x", "--listen", "y").Problems.Length);

    [Fact]
    public void A_data_directory_has_one_manager()
    {
        var directory = Directory.CreateTempSubdirectory("berth-lock-").FullName;
        using (DirectoryLock.Take(directory))
            Assert.Contains("another berth-manager", Assert.Throws<StartRefusedException>(() => DirectoryLock.Take(directory)).Message);
        DirectoryLock.Take(directory).Dispose();
        // What cannot be written is no other manager.
        File.Delete(Path.Combine(directory, "manager.pid"));
        Directory.CreateDirectory(Path.Combine(directory, "manager.pid"));
        Assert.DoesNotContain("another berth-manager", Assert.Throws<StartRefusedException>(() => DirectoryLock.Take(directory)).Message);
        Directory.Delete(Path.Combine(directory, "manager.pid"));
        Directory.Delete(directory, recursive: true);
    }

    private static ManagerCommandLine Parse(params string[] arguments) => ManagerOptionsParser.Parse(arguments, _ => null, "1");
}
