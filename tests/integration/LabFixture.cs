using System.Text.Json;

namespace Berth.Tests.Integration;

/// <summary>
/// One lab of three hosts with registry and sample images for all tests of the collection <see cref="Collection"/>: write
/// <c>[Collection(LabFixture.Collection)]</c> on the class and take the fixture in its constructor. Tests clean up what
/// they deploy, with <see cref="ClearAsync"/>.
/// </summary>
public sealed class LabFixture : IAsyncLifetime
{
    public const string Collection = "cluster";

    private TestLab? _lab;

    /// <summary>The lab; a test that needs it is skipped where there can be none.</summary>
    public TestLab Lab
    {
        get
        {
            BerthProgram.SkipUnlessPossible();
            return _lab ?? throw new InvalidOperationException("the lab is not up");
        }
    }

    /// <summary>Runs <c>berth</c> against the lab's manager.</summary>
    public Task<CommandResult> Berth(params string[] arguments) => Lab.Berth(arguments);

    /// <summary>Runs <c>berth … --format json</c> and parses what it prints.</summary>
    public Task<JsonElement> BerthJson(params string[] arguments) => Lab.BerthJson(arguments);

    public async Task InitializeAsync()
    {
        if (!Environment.IsPrivilegedProcess || !File.Exists(BerthProgram.Berth))
            return;
        // Two runs on one machine keep apart by another name: BERTH_TEST_LAB.
        _lab = await TestLab.UpAsync(Environment.GetEnvironmentVariable("BERTH_TEST_LAB") is { Length: > 0 } name ? name : "berthtest", "--hosts", "3", "--registry");
        try
        {
            await _lab.LoadImagesAsync();
        }
        catch
        {
            // The tests will not run, so nobody else would take it down.
            await _lab.DownAsync();
            throw;
        }
    }

    public async Task DisposeAsync()
    {
        if (_lab is not null)
            await _lab.DisposeAsync();
    }

    /// <summary>
    /// Removes every stack and service, makes the lab whole again (hosts, daemons, links, availability) and waits until no
    /// container of theirs runs.
    /// </summary>
    public async Task ClearAsync()
    {
        (await BerthProgram.RunAsync(["lab", "up", "--name", Lab.Name], limit: TimeSpan.FromMinutes(3))).Succeeded();
        foreach (var node in (await BerthJson("node", "ls")).EnumerateArray())
            if (node.GetProperty("Availability").GetString() is not ("Active" or "active"))
                (await Berth("node", "update", "--availability", "active", node.GetProperty("Hostname").GetString()!)).Succeeded();
        foreach (var stack in (await BerthJson("stack", "ls")).EnumerateArray())
            (await Berth("stack", "rm", stack.GetProperty("Name").GetString()!)).Succeeded();
        foreach (var service in (await BerthJson("service", "ls")).EnumerateArray())
            (await Berth("service", "rm", service.GetProperty("Name").GetString()!)).Succeeded();
        await Lab.RefreshAsync();
        await Eventually.HoldsAsync(async () =>
        {
            var running = await Task.WhenAll(Enumerable.Range(1, Lab.Hosts).Select(host => Lab.ExecAsync(host, "docker", "ps", "-q")));
            return (running.All(ids => ids.Trim().Length == 0), string.Join(' ', running));
        }, TimeSpan.FromSeconds(60));
    }
}

[CollectionDefinition(LabFixture.Collection)]
public sealed class LabCollection : ICollectionFixture<LabFixture>;
