using System.Globalization;
using System.Text.Json;

namespace Berth.Tests.Integration.Cluster;

/// <summary>What happened to a service's containers, in order, as all engines of a lab recorded it: they share one clock.</summary>
public static class Timeline
{
    /// <summary>The fewest containers of the service that ran at any moment since <paramref name="since"/>.</summary>
    /// <param name="lab">The lab.</param>
    /// <param name="service">The service's name.</param>
    /// <param name="since">From then on.</param>
    /// <param name="runningThen">How many ran at that moment.</param>
    public static async Task<int> FewestAsync(TestLab lab, string service, DateTimeOffset since, int runningThen)
    {
        var steps = new List<(long At, int Step)>();
        for (var host = 1; host <= lab.Hosts; host++)
            steps.AddRange(await OnAsync(lab, host, service, since));

        int running = runningThen, fewest = runningThen;
        foreach (var (_, step) in steps.Order())
            fewest = Math.Min(fewest, running += step);
        return fewest;
    }

    private static async Task<IEnumerable<(long At, int Step)>> OnAsync(TestLab lab, int host, string service, DateTimeOffset since)
    {
        string[] arguments =
        [
            "-H", "unix://" + lab.EngineSocket(host), "events", "--since", Seconds(since), "--until", Seconds(DateTimeOffset.UtcNow),
            "--filter", "event=start", "--filter", "event=die", "--filter", $"label=com.docker.swarm.service.name={service}", "--format", "{{json .}}",
        ];
        var events = (await BerthProgram.RunToolAsync("docker", arguments)).Succeeded();
        return [.. events.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Read)];
    }

    private static (long At, int Step) Read(string line)
    {
        using var parsed = JsonDocument.Parse(line);
        return (parsed.RootElement.GetProperty("timeNano").GetInt64(), parsed.RootElement.GetProperty("Action").GetString() == "start" ? 1 : -1);
    }

    private static string Seconds(DateTimeOffset at) => (at.ToUnixTimeMilliseconds() / 1000.0).ToString("F3", CultureInfo.InvariantCulture);
}
