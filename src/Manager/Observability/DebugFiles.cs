using System.Globalization;
using System.Text;
using Berth.Manager.Access;
using Berth.Manager.Api;
using Berth.Manager.Identity;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Protocol;
using Berth.Telemetry;
using Google.Protobuf;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Observability;

/// <summary>A manager's files for whoever looks for what is wrong.</summary>
internal sealed class DebugFiles(
    MetricsPage page, RecentLogs logs, AuditLog audit, AuditPlace place, ClusterReport report, IClusterView view, ManagerFacts facts, TimeProvider time)
{
    /// <summary>The name of the file that is asked for alone.</summary>
    public const string Metrics = "metrics.txt";

    private const int AuditLines = 500;
    private const int PieceBytes = 1 << 20;

    private static readonly JsonFormatter Json = new(JsonFormatter.Settings.Default.WithIndentation("  "));

    /// <summary>Of this process.</summary>
    public IEnumerable<V1.DebugPart> Own(V1.CollectDebugRequest request)
    {
        var source = $"managers/{place.Manager}";
        var files = Pieces(source, Metrics, page.Text());
        return request.OnlyMetrics
            ? files
            : files.Concat(Pieces(source, "log.txt", logs.Text())).Concat(Pieces(source, "version.txt", About())).Concat(Pieces(source, "audit.txt", Audit()));
    }

    /// <summary>Of the cluster, as this manager sees it.</summary>
    public IEnumerable<V1.DebugPart> Cluster()
    {
        var state = view.Current;
        return Pieces("cluster", "status.json", Json.Format(SecretFields.Without(report.Of(state))))
            .Concat(Pieces("cluster", "nodes.json", Lines(state.Nodes.Values.OrderBy(node => node.Id).Select(node => node.ToWire()))))
            .Concat(Pieces("cluster", "services.json", Lines(state.Services.Values.OrderBy(service => service.Spec.Name, StringComparer.Ordinal).Select(service => service.ToWire()))))
            .Concat(Pieces("cluster", "tasks.txt", Tasks(state)));
    }

    private static string Lines(IEnumerable<IMessage> messages) =>
        $"[\n{string.Join(",\n", messages.Select(message => Json.Format(SecretFields.Without(message))))}\n]\n";

    private static string Tasks(ClusterState state)
    {
        var text = new StringBuilder("task\tservice\tslot\tnode\tdesired\tstate\tsince\tmessage\n");
        foreach (var task in state.Tasks.Values.OrderBy(task => task.ServiceId).ThenBy(task => task.Slot).ThenBy(task => task.CreatedAt))
        {
            var service = state.Services.TryGetValue(task.ServiceId, out var found) ? found.Spec.Name : task.ServiceId.ToString();
            var node = task.NodeId is not { } id ? "" : state.Nodes.TryGetValue(id, out var host) ? host.Description.Hostname : id.ToString();
            var message = Redaction.Of(task.Status.Err.Length > 0 ? $"{task.Status.Message}: {task.Status.Err}" : task.Status.Message).ReplaceLineEndings(" ");
            text.Append(CultureInfo.InvariantCulture, $"{task.Id}\t{service}\t{task.Slot}\t{node}\t{task.DesiredState.Word()}\t{task.State.Word()}\t{task.Status.Timestamp:O}\t{message}\n");
        }
        return text.ToString();
    }

    private string About()
    {
        var state = view.Current;
        return string.Create(CultureInfo.InvariantCulture, $"""
            berth-manager {facts.Version}, .NET {Environment.Version}, process {Environment.ProcessId}
            started {facts.StartedAt:O}, now {time.GetUtcNow():O}
            data directory {facts.DataDirectory}, listening on {string.Join(", ", facts.ListeningOn)}
            cluster {state.ClusterId}, epoch {state.Epoch}, index {state.Index}

            """);
    }

    private string Audit() => string.Concat(audit.Newest(AuditLines).Select(line => Redaction.Of(string.Create(
        CultureInfo.InvariantCulture, $"{line.At:O} {line.Who} from {line.From}: {line.Call} {line.Subject}: {line.Outcome}")).ReplaceLineEndings(" ") + "\n"));

    private static IEnumerable<V1.DebugPart> Pieces(string source, string name, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        for (var at = 0; at == 0 || at < bytes.Length; at += PieceBytes)
        {
            yield return new V1.DebugPart
            {
                Source = source, Name = name, Content = UnsafeByteOperations.UnsafeWrap(bytes.AsMemory(at, Math.Min(PieceBytes, bytes.Length - at))),
            };
        }
    }
}
