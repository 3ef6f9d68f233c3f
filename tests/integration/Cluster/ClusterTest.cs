using System.Text.Json;

namespace Berth.Tests.Integration.Cluster;

/// <summary>What tests of the shared cluster have in common: a clean cluster before each, stack files written on the spot.</summary>
[Collection(LabFixture.Collection)]
public abstract class ClusterTest(LabFixture fixture) : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-cluster-").FullName;

    protected LabFixture Fixture => fixture;

    protected TestLab Lab => fixture.Lab;

    public async Task InitializeAsync()
    {
        if (BerthProgram.IsPossible)
            await fixture.ClearAsync();
    }

    public Task DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return Task.CompletedTask;
    }

    protected Task<CommandResult> Berth(params string[] arguments) => fixture.Berth(arguments);

    /// <summary>Writes a stack file and deploys it.</summary>
    protected Task<CommandResult> DeployAsync(string stack, string yaml, params string[] options) =>
        Berth(["stack", "deploy", .. options, "-c", Write(stack, yaml), stack]);

    protected string Write(string name, string yaml)
    {
        var path = Path.Combine(_folder, name + ".yml");
        File.WriteAllText(path, yaml);
        return path;
    }

    /// <summary>All tasks of a service in its history, newest first within a slot.</summary>
    protected async Task<IReadOnlyList<JsonElement>> TasksAsync(string service) =>
        [.. (await fixture.BerthJson("service", "ps", "--no-trunc", service)).EnumerateArray()];

    protected async Task<IReadOnlySet<string>> TaskIdsAsync(string service) =>
        (await TasksAsync(service)).Select(task => task.GetProperty("ID").GetString()!).ToHashSet();

    /// <summary>A service of sleeping containers; the cheapest thing that runs.</summary>
    protected static string Sleepers(int replicas, string image = "berth/busybox:1", string deploy = "") => $"""
        services:
          web:
            image: {image}
            command: [sleep, "1000000"]
            stop_signal: SIGKILL
            network_mode: host
            deploy:
              replicas: {replicas}
              {deploy.ReplaceLineEndings("\n      ")}
        """;

    /// <summary>Waits until a service has exactly so many running containers, one a slot.</summary>
    protected Task RunsAsync(string service, int replicas, TimeSpan? limit = null) => Eventually.HoldsAsync(async () =>
    {
        var running = await Containers.OfAsync(Lab, service);
        var slots = running.Select(fact => fact.Task).Distinct().Count();
        return (running.Count == replicas && slots == replicas, $"{running.Count} containers in {slots} slots, {replicas} wanted: {string.Join(", ", running.Select(fact => $"{fact.Task}@{fact.Host}"))}");
    }, limit ?? TimeSpan.FromSeconds(60));
}
