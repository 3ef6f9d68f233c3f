using System.Text.Json.Serialization;

namespace Berth.Docker;

/// <summary>How Docker's shapes are written and read as JSON, without reflection. What is null is left out, as Docker leaves
/// out what is empty.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DockerService))]
[JsonSerializable(typeof(DockerTask))]
[JsonSerializable(typeof(DockerNode))]
[JsonSerializable(typeof(DockerNetworkResource))]
[JsonSerializable(typeof(DockerServiceSpec))]
public sealed partial class DockerJson : JsonSerializerContext;
