namespace Berth.Tests.Integration.Cluster;

/// <summary>A container as its own engine tells it: the truth that the cluster's word is held against.</summary>
/// <param name="Host">Number of the lab host.</param>
/// <param name="Id">The engine's id.</param>
/// <param name="Service">The service's name, from its label.</param>
/// <param name="Task">The task's name without its id: <c>SERVICE.SLOT</c>.</param>
/// <param name="Image">The image it was made from.</param>
/// <param name="Running">Whether it runs.</param>
/// <param name="StartedAt">When it last started, as the engine writes it.</param>
public sealed record ContainerFact(int Host, string Id, string Service, string Task, string Image, bool Running, string StartedAt);

/// <summary>Asks every engine of a lab what runs there.</summary>
public static class Containers
{
    private const string Format =
        "{{.Id}}|{{index .Config.Labels \"com.docker.swarm.service.name\"}}|{{index .Config.Labels \"com.docker.swarm.task.name\"}}|{{.Config.Image}}|{{.State.Running}}|{{.State.StartedAt}}";

    /// <summary>All containers of all hosts that are on, sorted; stopped ones only when asked for.</summary>
    public static async Task<IReadOnlyList<ContainerFact>> AllAsync(TestLab lab, bool runningOnly = true)
    {
        var lists = await Task.WhenAll(Enumerable.Range(1, lab.Hosts).Where(host => lab.HostStatus(host).GetProperty("state").GetString() == "running")
            .Select(host => OnAsync(lab, host, runningOnly)));
        return [.. lists.SelectMany(list => list).OrderBy(fact => fact.Task, StringComparer.Ordinal).ThenBy(fact => fact.Id, StringComparer.Ordinal)];
    }

    /// <summary>The running containers of one service.</summary>
    public static async Task<IReadOnlyList<ContainerFact>> OfAsync(TestLab lab, string service) =>
        [.. (await AllAsync(lab)).Where(fact => fact.Service == service)];

    /// <summary>One host's containers.</summary>
    public static async Task<IReadOnlyList<ContainerFact>> OnAsync(TestLab lab, int host, bool runningOnly = true)
    {
        var socket = "unix://" + lab.EngineSocket(host);
        string[] all = runningOnly ? [] : ["--all"];
        var ids = (await BerthProgram.RunToolAsync("docker", ["-H", socket, "ps", "-q", "--no-trunc", .. all])).Succeeded()
            .Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (ids.Length == 0)
            return [];

        // One that is removed between the two calls is simply not there any more: docker then fails, but prints the others.
        var inspected = await BerthProgram.RunToolAsync("docker", ["-H", socket, "inspect", "--type", "container", "--format", Format, .. ids]);
        return [.. inspected.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => Read(host, line)).Where(fact => fact.Running || !runningOnly)];
    }

    private static ContainerFact Read(int host, string line)
    {
        var fields = line.Split('|');
        var name = fields[2].Split('.');
        return new ContainerFact(host, fields[0], fields[1], string.Join('.', name.Take(2)), fields[3], fields[4] == "true", fields[5]);
    }
}
