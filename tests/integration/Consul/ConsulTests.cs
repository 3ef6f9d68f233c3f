using Berth.Consul;
using Berth.Identity;
using Berth.Protocol.V1;
using Berth.Tests.Integration.Agent;
using Berth.Tests.Integration.Identity;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Consul;

/// <summary>Managers, agents and the command line with a real Consul that demands tokens.</summary>
public sealed class ConsulTests(ConsulServer consul) : IClassFixture<ConsulServer>
{
    private const string ManagerVariable = "BERTH_MANAGER_CONSUL";

    [SkippableFact]
    public async Task A_manager_is_found_while_it_runs_and_not_once_it_stops_or_is_lost()
    {
        ConsulServer.Require();
        await using var manager = await ClusterManager.StartAsync((ManagerVariable, consul.Address(consul.ManagersToken)));
        var reader = consul.Address(consul.ReadersToken);
        await FoundAsync(reader, manager, isThere: true);

        Assert.Equal(0, await manager.Process.StopAsync());
        Assert.Contains("Taken out of Consul", manager.Process.Said, StringComparison.Ordinal);
        await FoundAsync(reader, manager, isThere: false, within: TimeSpan.FromSeconds(5));

        await manager.Process.StartAsync();
        await FoundAsync(reader, manager, isThere: true);
        await manager.Process.KillAsync();
        // Nobody says so: Consul misses its word.
        await FoundAsync(reader, manager, isThere: false, within: TimeSpan.FromSeconds(60));
    }

    [SkippableFact]
    public async Task A_token_that_is_refused_is_said_and_the_manager_works_without_Consul()
    {
        ConsulServer.Require();
        var wrong = Guid.NewGuid().ToString();
        var address = consul.Address(wrong, "berth-refused");
        await using var manager = await ClusterManager.StartAsync((ManagerVariable, address));
        await Eventually.HoldsAsync(() => Task.FromResult((manager.Process.Said.Contains("refused the token in", StringComparison.Ordinal), manager.Process.Said)));
        Assert.Contains("service:write on \"berth-refused\"", manager.Process.Said, StringComparison.Ordinal);
        Assert.DoesNotContain(wrong, manager.Process.Said, StringComparison.Ordinal);
        Assert.Equal("sqlite", (await manager.Admin.GetClusterAsync(new GetClusterRequest())).Store);

        // Who replaces the token need not restart anything.
        ConsulServer.ReplaceToken(address, consul.ManagersToken);
        await FoundAsync(consul.Address(consul.ReadersToken, "berth-refused"), manager, isThere: true);

        var refused = await Assert.ThrowsAsync<ConsulException>(async () => await FindAsync(consul.Address(wrong)));
        Assert.Contains("refused the token in", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(wrong, refused.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task An_agent_finds_managers_that_moved_and_loses_nobody_when_Consul_is_lost()
    {
        ConsulServer.Require();
        await using var manager = await ClusterManager.StartAsync((ManagerVariable, consul.Address(consul.ManagersToken, "berth-moved")));
        var home = Directory.CreateTempSubdirectory("berth-consul-agent-");
        try
        {
            // An agent that was joined and stopped, as an agent that is off while its managers move.
            var data = Path.Combine(home.FullName, "agent");
            Directory.CreateDirectory(data);
            using (var joining = new TestAgent("/nonexistent.sock", null, data))
            {
                joining.Start();
                await File.WriteAllTextAsync(Path.Combine(data, "join.json"),
                    $$"""{"token":"{{(await manager.TokenAsync()).Format()}}","managers":["{{manager.Url}}"],"address":"127.0.0.1"}""");
                await Eventually.HoldsAsync(async () => ((await manager.NodesAsync()).Count > 1, joining.Log.ToString()), TimeSpan.FromSeconds(60));
                await Eventually.HoldsAsync(() => Task.FromResult((File.Exists(Path.Combine(data, "agent.state")) && !File.Exists(Path.Combine(data, "join.json")), joining.Log.ToString())));
            }
            await manager.MoveAsync();

            using var agent = new TestAgent("/nonexistent.sock", null, data) { More = ["--manager", consul.Address(consul.ReadersToken, "berth-moved")] };
            agent.Start();
            await ConnectedAsync(manager, agent);
            Assert.Contains("names managers " + manager.Address, agent.Log.ToString(), StringComparison.Ordinal);

            await consul.KillAsync();
            await Eventually.HoldsAsync(() => Task.FromResult((agent.Log.ToString().Contains("cannot be reached", StringComparison.Ordinal), agent.Log.ToString())));
            await Eventually.HoldsAsync(() => Task.FromResult((manager.Process.Said.Contains("The cluster goes on without it", StringComparison.Ordinal), manager.Process.Said)));
            await ConnectedAsync(manager, agent);
            // Without Consul too, an agent that lost its session comes back.
            await manager.Process.KillAsync();
            await manager.Process.StartAsync();
            await ConnectedAsync(manager, agent);

            await consul.StartAsync();
            await FoundAsync(consul.Address(consul.ReadersToken, "berth-moved"), manager, isThere: true);
        }
        finally
        {
            if (!await IsRunningAsync())
                await consul.StartAsync();
            home.Delete(recursive: true);
        }
    }

    [SkippableFact]
    public async Task The_command_line_asks_the_managers_that_Consul_names()
    {
        ConsulServer.Require();
        BerthProgram.SkipUnlessPossible();
        await using var manager = await ClusterManager.StartAsync((ManagerVariable, consul.Address(consul.ManagersToken, "berth-cli")));
        var reader = consul.Address(consul.ReadersToken, "berth-cli");
        await FoundAsync(reader, manager, isThere: true);
        var home = Directory.CreateTempSubdirectory("berth-consul-cli-");
        try
        {
            var environment = new Dictionary<string, string> { ["HOME"] = home.FullName, ["XDG_CONFIG_HOME"] = Path.Combine(home.FullName, "config") };
            var bundle = Path.Combine(home.FullName, "ann.berth");
            (await BerthProgram.RunAsync(["--host", "unix://" + manager.Process.Socket, "cluster", "client", "create", "ann", "--role", "viewer", "-o", bundle], environment)).Succeeded();
            (await BerthProgram.RunAsync(["context", "import", bundle, "--name", "here"], environment)).Succeeded();

            await Eventually.HoldsAsync(async () =>
            {
                var found = await BerthProgram.RunAsync(["--context", "here", "--host", reader, "info", "--format", "json"], environment);
                return (found.ExitCode == 0 && found.Output.Contains(manager.Url, StringComparison.Ordinal), found.Output + found.Error);
            });

            var nobody = await BerthProgram.RunAsync(["--context", "here", "--host", consul.Address(consul.ReadersToken, "berth-nobody"), "info"], environment);
            Assert.Equal(3, nobody.ExitCode);
            Assert.Contains("knows no manager that is well under the name 'berth-nobody'", nobody.Error, StringComparison.Ordinal);
        }
        finally
        {
            home.Delete(recursive: true);
        }
    }

    private static async Task<IReadOnlyList<string>> FindAsync(string address)
    {
        using var client = new ConsulClient(ConsulAddress.Parse(address, _ => null), TimeProvider.System);
        var (_, entries) = await client.HealthyAsync(0, CancellationToken.None);
        return [.. ConsulManagers.Read(entries, null).Select(url => url.GetLeftPart(UriPartial.Authority))];
    }

    private static async Task FoundAsync(string address, ClusterManager manager, bool isThere, TimeSpan? within = null) =>
        await Eventually.HoldsAsync(async () =>
        {
            var found = await FindAsync(address);
            return (found.Contains(manager.Url) == isThere, $"{string.Join(", ", found)}\n{manager.Process.Said}");
        }, within);

    private static async Task ConnectedAsync(ClusterManager manager, TestAgent agent) =>
        await Eventually.HoldsAsync(async () =>
        {
            var nodes = await manager.NodesAsync();
            return (nodes.Any(node => node.Description.Hostname == "here" && node.Status.State == NodeState.Ready), $"{string.Join("; ", nodes)}\n{agent.Log}\n{manager.Process.Said}");
        }, TimeSpan.FromSeconds(60));

    private async Task<bool> IsRunningAsync()
    {
        try
        {
            await FindAsync(consul.Address(consul.ReadersToken));
            return true;
        }
        catch (ConsulException)
        {
            return false;
        }
    }
}
