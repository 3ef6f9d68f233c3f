using System.Text.Json.Serialization;

namespace Berth.Cli.Output.Lists;

/// <summary>How the rows of lists are written as JSON, without reflection. Names are Docker's; numbers stand beside Docker's
/// texts, so that nobody has to parse <c>3/5</c>.</summary>
[JsonSerializable(typeof(ServiceLine))]
[JsonSerializable(typeof(TaskLine))]
[JsonSerializable(typeof(NodeLine))]
[JsonSerializable(typeof(StackLine))]
[JsonSerializable(typeof(NetworkLine))]
[JsonSerializable(typeof(ChangeLine))]
[JsonSerializable(typeof(EventLine))]
[JsonSerializable(typeof(LogLineText))]
[JsonSerializable(typeof(InfoText))]
[JsonSerializable(typeof(VersionText))]
[JsonSerializable(typeof(ClusterText))]
[JsonSerializable(typeof(ManagerLine))]
[JsonSerializable(typeof(ClientLine))]
[JsonSerializable(typeof(AuditLine))]
[JsonSerializable(typeof(ContextLine))]
internal sealed partial class ListJson : JsonSerializerContext;
