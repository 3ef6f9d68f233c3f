using System.Text.Json.Serialization;

namespace Berth.Agent.Engine;

// Only what the agent reads of Docker's answers, so that parsing a list of a thousand containers stays cheap.
[JsonSerializable(typeof(InspectJson))]
[JsonSerializable(typeof(List<ListJson>))]
[JsonSerializable(typeof(EventJson))]
[JsonSerializable(typeof(Dictionary<string, string[]>))]
internal sealed partial class EngineJson : JsonSerializerContext;

internal sealed record InspectJson(
    string Id, StateJson State, ConfigJson? Config, NetworkSettingsJson? NetworkSettings);

internal sealed record StateJson(
    string Status, bool Running, int Pid, int ExitCode, [property: JsonPropertyName("OOMKilled")] bool OomKilled, string? Error, HealthJson? Health,
    string? StartedAt);

internal sealed record HealthJson(string Status, List<ProbeJson>? Log);

internal sealed record ProbeJson(int ExitCode, string? Output);

internal sealed record ConfigJson(Dictionary<string, string>? Labels);

internal sealed record NetworkSettingsJson(Dictionary<string, List<BindingJson>?>? Ports);

internal sealed record BindingJson(string? HostIp, string? HostPort);

internal sealed record ListJson(string Id, string State, string? Status, Dictionary<string, string>? Labels);

internal sealed record EventJson(string? Action, ActorJson? Actor);

internal sealed record ActorJson([property: JsonPropertyName("ID")] string? Id, Dictionary<string, string>? Attributes);
