using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using Berth.Identity;
using Berth.Tests.Integration.Agent;

namespace Berth.Tests.Integration.Manager;

/// <summary>With <c>--log-format json</c> a program reads the log: a line that is no JSON breaks it, most of all one that says why nothing starts.</summary>
public sealed class LogFormatTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_managers_whole_life_is_json()
    {
        await using var manager = await ManagerProcess.StartNewAsync(null, ("BERTH_MANAGER_LOG_FORMAT", "json"), ("BERTH_MANAGER_LOG_LEVEL", "debug"));
        Assert.Equal(1, (await manager.RunSecondAsync()) is var (code, second) && AreJson(second).Contains("another berth-manager", StringComparison.Ordinal) ? code : -1);
        await manager.StopAsync();

        Assert.Contains("berth-manager ready", AreJson(manager.Said));
    }

    [Fact]
    public async Task A_manager_that_waits_to_join_says_so_in_json()
    {
        using var authority = CertificateAuthority.Create(new Model.ClusterId(5), TimeProvider.System.GetUtcNow(), TimeSpan.FromDays(1));
        var file = new ManagerFile
        {
            NodeId = new Model.NodeId(7),
            Hostname = "joins",
            Advertise = new(System.Net.IPAddress.Loopback, 2400),
            JoinToken = JoinToken.For(authority.Certificate, JoinToken.NewSecret()),
            JoinManagers = ["https://127.0.0.1:1"],
        };
        await using var manager = new ManagerProcess { Variables = { ["BERTH_MANAGER_LOG_FORMAT"] = "json" } };
        file.Save(manager.DataDirectory);
        manager.Begin();
        using var deadline = new CancellationTokenSource(Deadline);
        while (!manager.Said.Contains("waiting to join", StringComparison.Ordinal))
            await Task.Delay(50, deadline.Token);
        Assert.Equal(0, await manager.StopAsync());

        Assert.Contains("waiting to join", AreJson(manager.Said));
    }

    [Theory]
    [InlineData("not an option", "--log-format", "json", "--foo", "bar")]
    [InlineData("cannot be used", "--log-format=json", "--data", "/proc/nowhere")]
    [InlineData("is no manager.json", "--log-format", "json", "--data", "DAMAGED")]
    public async Task A_manager_that_cannot_start_says_why_in_json(string why, params string[] arguments)
    {
        var home = Directory.CreateTempSubdirectory("berth-format-");
        try
        {
            await File.WriteAllTextAsync(Path.Combine(home.FullName, "manager.json"), "{");
            var (code, output, errors) = await ManagerProcess.RunAsync("", [.. arguments.Select(word => word == "DAMAGED" ? home.FullName : word)]);

            Assert.NotEqual(0, code);
            Assert.Equal("", output);
            Assert.Contains(why, AreJson(errors));
        }
        finally
        {
            home.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("is not an option", "--log-format", "json", "--foo", "bar")]
    [InlineData("cannot run", "--log-format=json", "--data", "/proc/nowhere")]
    public async Task An_agent_that_cannot_start_says_why_in_json(string why, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [TestAgent.Built(), .. arguments]) { RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../.."));
        using var agent = Process.Start(start)!;
        var (output, errors) = (agent.StandardOutput.ReadToEndAsync(), agent.StandardError.ReadToEndAsync());
        using var deadline = new CancellationTokenSource(Deadline);
        await agent.WaitForExitAsync(deadline.Token);

        Assert.NotEqual(0, agent.ExitCode);
        Assert.Equal("", await output);
        Assert.Contains(why, AreJson(await errors));
    }

    // The messages of a log whose every line is a JSON object with time and level.
    private static string AreJson(string said)
    {
        var messages = new List<string>();
        foreach (var line in said.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line.Trim().Length > 0))
        {
            try
            {
                using var json = JsonDocument.Parse(line);
                Assert.NotEmpty(json.RootElement.GetProperty("time").GetString()!);
                Assert.NotEmpty(json.RootElement.GetProperty("level").GetString()!);
                messages.Add(json.RootElement.GetProperty("message").GetString()!);
            }
            catch (JsonException error)
            {
                Assert.Fail($"this line is no JSON ({error.Message}): {line}");
            }
        }
        return string.Join('\n', messages);
    }
}
