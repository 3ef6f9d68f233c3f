using System.Globalization;
using Berth.Model;

namespace Berth.Agent.Engine;

/// <summary>Reads Docker's answers into the agent's words.</summary>
internal static class EngineAnswers
{
    /// <summary>A container as inspect shows it.</summary>
    public static ContainerFacts Facts(InspectJson json) => new()
    {
        Id = json.Id,
        Phase = Phase(json.State.Status),
        Pid = json.State.Pid,
        StartedAt = Instant(json.State.StartedAt),
        ExitCode = json.State.ExitCode,
        OomKilled = json.State.OomKilled,
        Error = json.State.Error ?? "",
        Health = Health(json.State.Health?.Status),
        ProbeOutput = json.State.Health?.Log?.LastOrDefault(probe => probe.ExitCode != 0)?.Output?.Trim() ?? "",
        Ports = Ports(json.NetworkSettings?.Ports),
        Task = json.Config?.Labels?.GetValueOrDefault(TaskLabels.Task) ?? "",
    };

    /// <summary>A container as the list shows it.</summary>
    public static ListedContainer Listed(ListJson json) =>
        new(json.Id, Phase(json.State), ListedHealth(json.Status), json.Labels ?? []);

    /// <summary>An event the agent listens to; null for any other.</summary>
    public static EngineEvent? Event(EventJson json)
    {
        EngineEventKind? kind = json.Action switch
        {
            "die" => EngineEventKind.Died,
            "destroy" => EngineEventKind.Destroyed,
            "health_status: healthy" => EngineEventKind.Healthy,
            "health_status: unhealthy" => EngineEventKind.Unhealthy,
            _ => null,
        };
        return kind is { } known && json.Actor is { Id: { } id } actor
            ? new EngineEvent(id, known, actor.Attributes ?? [])
            : null;
    }

    // Go's zero time, year 1, stands for "never".
    private static DateTimeOffset? Instant(string? text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var instant) && instant.Year > 1 ? instant : null;

    private static ContainerPhase Phase(string status) => status switch
    {
        "created" => ContainerPhase.Created,
        "running" or "paused" or "restarting" => ContainerPhase.Running,
        "removing" => ContainerPhase.None,
        _ => ContainerPhase.Exited,
    };

    private static ContainerHealth Health(string? status) => status switch
    {
        "starting" => ContainerHealth.Starting,
        "healthy" => ContainerHealth.Healthy,
        "unhealthy" => ContainerHealth.Unhealthy,
        _ => ContainerHealth.None,
    };

    // The list says it only in words: "Up 4 seconds (health: starting)".
    private static ContainerHealth ListedHealth(string? status)
    {
        if (status is null)
            return ContainerHealth.None;
        if (status.EndsWith("(healthy)", StringComparison.Ordinal))
            return ContainerHealth.Healthy;
        if (status.EndsWith("(unhealthy)", StringComparison.Ordinal))
            return ContainerHealth.Unhealthy;
        return status.EndsWith("(health: starting)", StringComparison.Ordinal) ? ContainerHealth.Starting : ContainerHealth.None;
    }

    private static ValueList<PortConfig> Ports(Dictionary<string, List<BindingJson>?>? ports)
    {
        if (ports is null)
            return [];
        var found = from port in ports
                    from binding in port.Value ?? []
                    let parts = port.Key.Split('/')
                    where int.TryParse(parts[0], CultureInfo.InvariantCulture, out _) && int.TryParse(binding.HostPort, CultureInfo.InvariantCulture, out _)
                    select new PortConfig(
                        int.Parse(parts[0], CultureInfo.InvariantCulture),
                        int.Parse(binding.HostPort!, CultureInfo.InvariantCulture),
                        parts.ElementAtOrDefault(1) switch { "udp" => PortProtocol.Udp, "sctp" => PortProtocol.Sctp, _ => PortProtocol.Tcp });
        // IPv4 and IPv6 are bound separately and are one published port to people.
        return found.Distinct().OrderBy(port => port.Target).ThenBy(port => port.Published).ToValueList();
    }
}
