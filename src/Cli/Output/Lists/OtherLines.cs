using Berth.Protocol.V1;

namespace Berth.Cli.Output.Lists;

/// <summary>A row of <c>stack ls</c>.</summary>
internal sealed record StackLine(string Name, int Services, string Replicas, string ID, DateTime UpdatedAt, int Running, int Desired)
{
    /// <summary>How stacks are listed.</summary>
    public static Listing<StackLine> Listing { get; } = new(
        [
            new("NAME", row => row.Name),
            new("SERVICES", row => row.Services.ToString(System.Globalization.CultureInfo.InvariantCulture)),
            new("REPLICAS", row => row.Replicas),
        ],
        row => row.Name,
        () => ListJson.Default.StackLine);

    /// <summary>The row of a stack.</summary>
    public static StackLine Of(StackSummary summary) => new(
        summary.Stack.Name,
        summary.Services,
        $"{summary.TasksRunning}/{summary.TasksDesired}",
        summary.Stack.Id,
        summary.Stack.UpdatedAt?.ToDateTime() ?? default,
        summary.TasksRunning,
        summary.TasksDesired);
}

/// <summary>What a command did to a service.</summary>
/// <param name="ID">The service's id.</param>
/// <param name="Name">Its name.</param>
/// <param name="Change"><c>created</c>, <c>updated</c>, <c>unchanged</c> or <c>removed</c>.</param>
/// <param name="ReplacesTasks">Whether running tasks are replaced for it.</param>
internal sealed record ChangeLine(string ID, string Name, string Change, bool ReplacesTasks)
{
    /// <summary>From a stack's answer.</summary>
    public static ChangeLine Of(ServiceChange change) => new(change.Id, change.Name, Word(change.Kind), change.ReplacesTasks);

    /// <summary>From a service's answer.</summary>
    public static ChangeLine Of(ServiceChanged changed, string word) =>
        new(changed.Service.Id, changed.Service.Spec.Name, changed.Changed ? word : "unchanged", changed.ReplacesTasks);

    private static string Word(ServiceChange.Types.Kind kind) => kind switch
    {
        ServiceChange.Types.Kind.Created => "created",
        ServiceChange.Types.Kind.Updated => "updated",
        ServiceChange.Types.Kind.Removed => "removed",
        _ => "unchanged",
    };
}

/// <summary>One event.</summary>
internal sealed record EventLine(DateTime Time, string Type, string Action, string ID, string Name, IReadOnlyDictionary<string, string> Attributes)
{
    /// <summary>As JSON shows it.</summary>
    public static EventLine Of(Event happened) => new(
        happened.Time?.ToDateTime() ?? default, happened.Type, happened.Action, happened.Id, happened.Name,
        new SortedDictionary<string, string>(happened.Attributes, StringComparer.Ordinal));

    /// <summary>As <c>docker events</c> prints it.</summary>
    public string Text()
    {
        IEnumerable<string> attributes = [$"name={Name}", .. Attributes.Where(entry => entry.Key != "name").Select(entry => $"{entry.Key}={entry.Value}")];
        return $"{Time:yyyy-MM-ddTHH:mm:ss.fffffffZ} {Type} {Action} {ID} ({string.Join(", ", attributes)})";
    }
}

/// <summary>One line of a log, for JSON.</summary>
internal sealed record LogLineText(DateTime Time, string Task, string TaskID, string Node, string Stream, string Text);

/// <summary>What <c>berth info</c> shows.</summary>
internal sealed record InfoText(
    string ClusterID, string Manager, string Hostname, string Version, DateTime StartedAt, long Index, long Epoch, int Nodes, int NodesReady,
    int Stacks, int Services, int Tasks, int TasksRunning, string DataDirectory, IReadOnlyList<string> ListeningOn);

/// <summary>What <c>berth version</c> shows; the manager's is null when none answers.</summary>
internal sealed record VersionText(string Client, string? Manager);
