using System.Globalization;
using System.Text;
using Berth.Agent.Tasks;
using Berth.Model;
using Berth.Telemetry;
using Google.Protobuf;
using V1 = Berth.Protocol.V1;

namespace Berth.Agent.Session;

/// <summary>An agent's files for whoever looks for what is wrong.</summary>
internal static class DebugRelay
{
    // Managers take 4 MiB in one message.
    private const int PieceBytes = 1 << 20;

    /// <summary>All of them, in pieces.</summary>
    public static IEnumerable<V1.DebugPart> Parts(SessionParts parts, bool onlyMetrics)
    {
        var files = Pieces("metrics.txt", parts.Metrics());
        return onlyMetrics
            ? files
            : files.Concat(Pieces("log.txt", parts.RecentLogs.Text())).Concat(Pieces("version.txt", About(parts))).Concat(Pieces("tasks.txt", Tasks(parts)));
    }

    private static string About(SessionParts parts)
    {
        var engine = parts.Health.Facts;
        return string.Create(CultureInfo.InvariantCulture, $"""
            berth-agent {parts.Facts.AgentVersion}, .NET {Environment.Version}, process {Environment.ProcessId}, now {parts.Time.GetUtcNow():O}
            node {parts.State.Node} ({parts.Facts.Hostname} {parts.Facts.Address}), cluster {parts.State.Cluster}, epoch {parts.State.Epoch}
            engine {engine?.Version ?? "never answered"}, API {engine?.ApiVersion}, {(parts.Health.Trouble is { } trouble ? $"does not answer {trouble}" : "answers")}
            disk {parts.Health.DiskTrouble ?? "can be written"}

            """);
    }

    private static string Tasks(SessionParts parts)
    {
        var text = new StringBuilder("task\tservice\tslot\tdesired\tstate\tcontainer\tphase\tsince\tmessage\n");
        foreach (var task in parts.Board.Tasks.Values.OrderBy(task => task.Assignment.Template.ServiceName, StringComparer.Ordinal).ThenBy(task => task.Id))
        {
            var message = Redaction.Of(task.Status.Err.Length > 0 ? $"{task.Status.Message}: {task.Status.Err}" : task.Status.Message).ReplaceLineEndings(" ");
            text.Append(CultureInfo.InvariantCulture,
                $"{task.Id}\t{task.Assignment.Template.ServiceName}\t{task.Assignment.Slot}\t{task.Assignment.Desired.Word()}\t{task.State.Word()}\t{task.ContainerId}\t{task.Phase}\t{task.Status.Timestamp:O}\t{message}\n");
        }
        return text.ToString();
    }

    private static IEnumerable<V1.DebugPart> Pieces(string name, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        for (var at = 0; at == 0 || at < bytes.Length; at += PieceBytes)
            yield return new V1.DebugPart { Name = name, Content = UnsafeByteOperations.UnsafeWrap(bytes.AsMemory(at, Math.Min(PieceBytes, bytes.Length - at))) };
    }
}
