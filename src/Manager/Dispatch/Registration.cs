using System.Collections.Immutable;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Protocol;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Dispatch;

/// <summary>What an agent said when it registered, read and checked.</summary>
/// <param name="Node">Its node's id.</param>
/// <param name="Cluster">The cluster it belongs to; null on its first start.</param>
/// <param name="Epoch">The highest epoch it has obeyed.</param>
/// <param name="Role">The role it asks for.</param>
/// <param name="Description">Its node's facts.</param>
/// <param name="Reports">The tasks it holds; their ages count from the moment this was read.</param>
public sealed record Registration(
    NodeId Node, ClusterId? Cluster, long Epoch, NodeRole Role, NodeDescription Description,
    ImmutableArray<(TaskId Task, ServiceTaskStatus Status)> Reports)
{
    // What agents say of nodes and ends of tasks is kept in the store and goes to every manager: it must not grow as they like.
    private const int LargestDescription = 64 << 10;
    private const int LongestText = 4_096;
    private const int LongestId = 128;
    private const int MostPorts = 1_000;
    private const int MostLocalAttempts = 100;

    /// <summary>Release level of its agent.</summary>
    public int Level { get; init; } = ReleaseLevel.First;

    /// <summary>What its agent restarted by itself while no manager was there.</summary>
    public ValueList<LocalChain> LocalChains { get; init; }

    /// <summary>Reads a registration.</summary>
    /// <exception cref="FormatException">It cannot be read; the message says what is wrong, for people.</exception>
    public static Registration Read(V1.Register wire, DateTimeOffset now)
    {
        ClusterId? cluster = wire.ClusterId.Length == 0 ? null : ClusterId.Parse(wire.ClusterId);
        return new Registration(
            NodeId.Parse(wire.NodeId), cluster, wire.Epoch, wire.Role == V1.NodeRole.Manager ? NodeRole.Manager : NodeRole.Worker,
            Read(wire.Description), ReadReports(wire.Tasks, now))
        {
            LocalChains = ReadChains(wire.Tasks, now),
            Level = ReleaseLevel.OfWire(wire.Level),
        };
    }

    /// <summary>Reads a node's facts.</summary>
    /// <exception cref="FormatException">They name no host, or are larger than any node's are.</exception>
    public static NodeDescription Read(V1.NodeDescription? wire)
    {
        if (wire is null or { Hostname.Length: 0 })
            throw new FormatException("the registration has no host name");
        if (HostRules.NameProblem(wire.Hostname) is { } problem)
            throw new FormatException(problem);
        return wire.CalculateSize() is var size and > LargestDescription
            ? throw new FormatException($"the node's description has {size} bytes, and at most {LargestDescription} are kept; give its engine fewer or shorter labels")
            : wire.ToModel();
    }

    /// <summary>Reads reports; ages become instants of the manager's clock.</summary>
    /// <exception cref="FormatException">An id is none, or a state is one that agents never report.</exception>
    public static ImmutableArray<(TaskId Task, ServiceTaskStatus Status)> ReadReports(IEnumerable<V1.TaskReport> wire, DateTimeOffset now) =>
        [.. wire.Select(report => (TaskId.Parse(report.TaskId), ReadReport(report, now)))];

    // Attempts whose root the agent does not hold any more follow nothing that could be looked up.
    private static ValueList<LocalChain> ReadChains(IEnumerable<V1.TaskReport> wire, DateTimeOffset now)
    {
        var local = wire.Where(report => report.Local is not null).ToLookup(report => report.Local.Root, StringComparer.Ordinal);
        if (local.Count == 0)
            return [];
        return wire.Where(report => report.Local is null && local.Contains(report.TaskId))
            .Select(root => new LocalChain(
                TaskId.Parse(root.TaskId), ReadReport(root, now),
                local[root.TaskId].Select(report => ReadAttempt(report, now)).OrderBy(attempt => attempt.Generation).TakeLast(MostLocalAttempts).ToValueList()))
            .ToValueList();
    }

    private static LocalAttempt ReadAttempt(V1.TaskReport report, DateTimeOffset now) => new(
        TaskId.Parse(report.TaskId), report.Local.Generation, report.Local.Attempt, now - SpecMapper.FromNanoseconds(report.Local.MadeAgeNs),
        report.Local.HasStartsInNs ? now + SpecMapper.FromNanoseconds(report.Local.StartsInNs) : null, ReadReport(report, now));

    private static ServiceTaskStatus ReadReport(V1.TaskReport report, DateTimeOffset now) =>
        (TaskState)report.State is >= TaskState.Assigned and <= TaskState.Rejected and var state && Enum.IsDefined(state)
            ? Shortened(report.ToModel(now))
            : throw new FormatException($"task {report.TaskId} is reported as {report.State}, which an agent never reports");

    private static ServiceTaskStatus Shortened(ServiceTaskStatus status) => status with
    {
        Message = Cut(status.Message, LongestText),
        Err = Cut(status.Err, LongestText),
        ContainerId = Cut(status.ContainerId, LongestId),
        Ports = status.Ports.Count <= MostPorts ? status.Ports : status.Ports.Take(MostPorts).ToValueList(),
        Addresses = status.Addresses.Count <= MostPorts ? status.Addresses : status.Addresses.Take(MostPorts).ToValueList(),
    };

    private static string Cut(string text, int length) => text.Length <= length ? text : text[..length] + "…";
}

/// <summary>Whether an agent may have a session.</summary>
/// <param name="Verdict">What happens.</param>
/// <param name="Reason">Why not, or why the older session ends; for people, with what to do.</param>
public sealed record Admission(AdmissionVerdict Verdict, string Reason)
{
    private static readonly Admission Welcome = new(AdmissionVerdict.Admit, "");

    /// <summary>Decides whether an agent may have a session.</summary>
    /// <param name="cluster">This cluster; null while the manager still recovers.</param>
    /// <param name="epoch">This leader's term.</param>
    /// <param name="agent">Who asks.</param>
    /// <param name="rival">Who holds a session with the same node id; null when nobody does.</param>
    /// <param name="rivalSilence">How long the holder has been silent.</param>
    /// <param name="downAfter">A holder that was silent for so long is dead.</param>
    public static Admission Decide(
        ClusterId? cluster, long epoch, Registration agent, Registration? rival, TimeSpan rivalSilence, TimeSpan downAfter)
    {
        if (cluster is null)
            return new(AdmissionVerdict.NotYet, "the manager is still reading its journal; register again in a moment");
        if (ReleaseLevel.Problem("the agent", agent.Level, "this manager", ReleaseLevel.Own) is { } release)
            return new(AdmissionVerdict.Refuse, $"{release}. Its containers run on meanwhile");
        if (agent.Cluster is { } other && other != cluster)
        {
            return new(AdmissionVerdict.Refuse,
                $"the node belongs to cluster {other} and this manager to cluster {cluster}; point the agent at a manager of its own cluster, "
                + "or stop it and delete its data directory to let it join this one");
        }
        if (agent.Epoch > epoch)
        {
            return new(AdmissionVerdict.NotYet,
                $"the agent has obeyed epoch {agent.Epoch} and this manager is at {epoch}: its data is older than the cluster's; "
                + "restore the newest copy of the manager's data directory");
        }
        if (rival is null)
            return Welcome;
        if (IsSameHost(agent.Description, rival.Description) || rivalSilence >= downAfter)
            return new(AdmissionVerdict.AdmitInstead, "a newer session of the node has taken over");
        return new(AdmissionVerdict.Refuse,
            $"node {agent.Node} is connected from {Where(rival.Description)}, and {Where(agent.Description)} registers with the same id: "
            + "was an agent's data directory copied? Delete the copy's, and that host gets an id of its own");
    }

    private static bool IsSameHost(NodeDescription left, NodeDescription right) =>
        left.Hostname == right.Hostname && left.Address == right.Address;

    private static string Where(NodeDescription description) =>
        description.Address.Length == 0 ? $"'{description.Hostname}'" : $"'{description.Hostname}' ({description.Address})";
}

/// <summary>What happens to an agent that registers.</summary>
public enum AdmissionVerdict
{
    /// <summary>It gets a session.</summary>
    Admit,
    /// <summary>It gets a session, and the older one of its node ends.</summary>
    AdmitInstead,
    /// <summary>Not now; it tries again.</summary>
    NotYet,
    /// <summary>Never as it is: it stops dialling and says why.</summary>
    Refuse,
}
