using System.Text.Json.Serialization;

namespace Berth.Consul;

/// <summary>A service as it is registered with Consul's local agent.</summary>
public sealed record ConsulService
{
    /// <summary>Unique at that Consul agent.</summary>
    [JsonPropertyName("ID")]
    public required string Id { get; init; }

    /// <summary>The name it is found by.</summary>
    public required string Name { get; init; }

    /// <summary>Where it answers.</summary>
    public required string Address { get; init; }

    /// <summary>Its port.</summary>
    public required int Port { get; init; }

    /// <summary>More about it, for whoever looks.</summary>
    public IReadOnlyDictionary<string, string> Meta { get; init; } = new Dictionary<string, string>();

    /// <summary>How Consul comes to know that it is well.</summary>
    public required ConsulCheck Check { get; init; }
}

/// <summary>A check that passes while its service says so in time.</summary>
public sealed record ConsulCheck
{
    /// <summary>Unique at that Consul agent.</summary>
    [JsonPropertyName("CheckID")]
    public required string Id { get; init; }

    /// <summary>For people.</summary>
    public required string Name { get; init; }

    /// <summary>Within which time the service must say again that it is well, such as <c>10s</c>.</summary>
    [JsonPropertyName("TTL")]
    public required string Ttl { get; init; }

    /// <summary>What it is until it says so.</summary>
    public string Status { get; init; } = "passing";

    /// <summary>A service that was critical for so long is forgotten.</summary>
    public required string DeregisterCriticalServiceAfter { get; init; }
}

/// <summary>One instance of a service whose checks all pass.</summary>
public sealed record ConsulEntry
{
    /// <summary>The host.</summary>
    public ConsulNode? Node { get; init; }

    /// <summary>The instance.</summary>
    public ConsulInstance? Service { get; init; }
}

/// <summary>A host that Consul knows.</summary>
public sealed record ConsulNode
{
    /// <summary>Its address.</summary>
    public string? Address { get; init; }
}

/// <summary>An instance of a service.</summary>
public sealed record ConsulInstance
{
    /// <summary>Where it answers; empty for the host's address.</summary>
    public string? Address { get; init; }

    /// <summary>Its port.</summary>
    public int Port { get; init; }

    /// <summary>What it registered with.</summary>
    public Dictionary<string, string>? Meta { get; init; }
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ConsulService))]
[JsonSerializable(typeof(ConsulEntry[]))]
internal sealed partial class ConsulJson : JsonSerializerContext;
