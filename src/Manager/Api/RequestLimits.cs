using Google.Protobuf;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Api;

/// <summary>How large a request may be, and that it holds only values this version knows. Every problem is named at
/// once. Whether a spec makes sense is the store's to decide.</summary>
internal static class RequestLimits
{
    /// <summary>Longest request message, bytes.</summary>
    public const int MessageBytes = 16 << 20;

    /// <summary>Longest spec of one service, bytes: it is kept once a version and travels to every node.</summary>
    public const int ServiceBytes = 512 << 10;

    /// <summary>Services in one stack.</summary>
    public const int ServicesPerStack = 1_000;

    /// <summary>References, scales or labels in one request.</summary>
    public const int Items = 1_000;

    /// <summary>Longest name or reference, characters.</summary>
    public const int NameLength = 63;

    /// <summary>Longest label name, characters.</summary>
    public const int LabelNameLength = 255;

    /// <summary>Longest label value, characters.</summary>
    public const int LabelValueLength = 4_096;

    /// <summary>Longest command of an exec with its environment, bytes.</summary>
    public const int ExecBytes = 128 << 10;

    // Problems listed of one request; the rest is counted.
    private const int ProblemsShown = 50;

    /// <summary>Refuses a reference that is empty or too long to be one.</summary>
    public static void Reference(string field, string reference)
    {
        if (ReferenceProblem(field, reference) is { } problem)
            throw ApiErrors.Invalid(problem);
    }

    /// <summary>Refuses an empty or overlong list of references, or one with such an element.</summary>
    public static void References(string field, IReadOnlyCollection<string> references, bool mayBeEmpty = false)
    {
        if (references.Count == 0 && !mayBeEmpty)
            throw ApiErrors.Invalid($"{field} is empty; name at least one");
        if (references.Count > Items)
            throw ApiErrors.Invalid($"{field} has {references.Count} elements; at most {Items} go in one call");
        ApiErrors.ThrowIfAny([.. references.Select(reference => ReferenceProblem(field, reference)).OfType<string>().Take(ProblemsShown)]);
    }

    /// <summary>Refuses a stack that is missing, too large, or holds unknown values.</summary>
    public static V1.StackSpec Stack(V1.StackSpec? spec)
    {
        if (spec is null)
            throw ApiErrors.Invalid("spec is missing; send the stack to deploy");
        var problems = new List<string>();
        if (ReferenceProblem("spec.name", spec.Name) is { } name)
            problems.Add(name);
        if (spec.Services.Count > ServicesPerStack)
            problems.Add($"spec.services has {spec.Services.Count} services; a stack has at most {ServicesPerStack}: divide it");
        else
            problems.AddRange(spec.Networks.SelectMany((network, at) => Labels($"spec.networks[{at}].labels", network.Labels))
                .Concat(spec.Services.SelectMany((service, at) => ServiceProblems($"spec.services[{at}]", service))));
        if (spec.Networks.Count > ServicesPerStack)
            problems.Add($"spec.networks has {spec.Networks.Count} networks; a stack has at most {ServicesPerStack}: divide it");
        Throw(problems);
        return spec;
    }

    /// <summary>Refuses a service's spec that is missing, too large, or holds unknown values.</summary>
    public static V1.ServiceSpec Service(V1.ServiceSpec? spec)
    {
        if (spec is null)
            throw ApiErrors.Invalid("spec is missing; send the service's whole spec");
        Throw([.. ServiceProblems("spec", spec)]);
        return spec;
    }

    /// <summary>Refuses a network's spec that is missing or too large.</summary>
    public static V1.NetworkSpec Network(V1.NetworkSpec? spec)
    {
        if (spec is null)
            throw ApiErrors.Invalid("spec is missing; send the network's whole spec");
        var problems = Labels("spec.labels", spec.Labels).Concat(Labels("spec.driver_options", spec.DriverOptions)).ToList();
        if (ReferenceProblem("spec.name", spec.Name) is { } name)
            problems.Add(name);
        Throw(problems);
        return spec;
    }

    /// <summary>Refuses a node's change that says nothing or holds what no label can be.</summary>
    public static void NodeChange(V1.UpdateNodeRequest request)
    {
        Reference("node", request.Node);
        var problems = new List<string>();
        if (!request.HasAvailability && request.LabelsAdd.Count == 0 && request.LabelsRemove.Count == 0)
            problems.Add("nothing is asked; give availability, labels_add or labels_remove");
        if (request.HasAvailability && Unknown("availability", request.Availability) is { } availability)
            problems.Add(availability);
        problems.AddRange(Labels("labels_add", request.LabelsAdd));
        if (request.LabelsRemove.Count > Items)
            problems.Add($"labels_remove has {request.LabelsRemove.Count} elements; at most {Items} go in one call");
        problems.AddRange(request.LabelsRemove.Where(request.LabelsAdd.ContainsKey)
            .Select(label => $"label '{label}' is both added and removed; choose one"));
        Throw(problems);
    }

    /// <summary>Refuses a command that cannot be run anywhere.</summary>
    public static void Exec(V1.ExecStart start)
    {
        Reference("start.task", start.Task);
        var problems = new List<string>();
        if (start.Command.Count == 0 || start.Command[0].Length == 0)
            problems.Add("start.command is empty; name the program to run");
        if (start.CalculateSize() > ExecBytes)
            problems.Add($"start is {start.CalculateSize()} bytes; a command with its environment has at most {ExecBytes}");
        problems.AddRange(start.Env.Where(entry => entry.IndexOf('=', StringComparison.Ordinal) <= 0)
            .Select(entry => $"start.env '{entry}' is not KEY=value"));
        Throw(problems);
    }

    /// <summary>The instant, or null when it is not set; refuses one that no calendar has.</summary>
    public static DateTimeOffset? Instant(string field, Timestamp? timestamp)
    {
        if (timestamp is null)
            return null;
        try
        {
            return timestamp.ToDateTimeOffset();
        }
        catch (InvalidOperationException)
        {
            throw ApiErrors.Invalid($"{field} is no instant: {timestamp.Seconds} s and {timestamp.Nanos} ns since 1970");
        }
    }

    private static void Throw(List<string> problems)
    {
        if (problems.Count > ProblemsShown)
            problems = [.. problems.Take(ProblemsShown), $"and {problems.Count - ProblemsShown} more problems"];
        ApiErrors.ThrowIfAny(problems);
    }

    private static string? ReferenceProblem(string field, string text) => text switch
    {
        { Length: 0 } => $"{field} is empty; give a name or an id",
        { Length: > 2 * NameLength } => $"{field} is {text.Length} characters long; no name or id is longer than {2 * NameLength}",
        _ => null,
    };

    private static IEnumerable<string> ServiceProblems(string field, V1.ServiceSpec spec)
    {
        if (spec.Name.Length > NameLength)
            yield return $"{field}.name is {spec.Name.Length} characters long; a service's name has at most {NameLength}";
        if (spec.CalculateSize() > ServiceBytes)
            yield return $"{field} ({Shorten(spec.Name)}) is {spec.CalculateSize()} bytes; a service's spec has at most {ServiceBytes}";
        foreach (var problem in Labels($"{field}.labels", spec.Labels).Concat(UnknownValues(field, spec)))
            yield return problem;
    }

    private static IEnumerable<string> UnknownValues(string field, V1.ServiceSpec spec)
    {
        var problems = new[]
        {
            spec.Update is { } update ? Unknown($"{field}.update.failure_action", update.FailureAction) : null,
            spec.Update is { } order ? Unknown($"{field}.update.order", order.Order) : null,
            spec.Rollback is { } rollback ? Unknown($"{field}.rollback.failure_action", rollback.FailureAction) : null,
            spec.Rollback is { } back ? Unknown($"{field}.rollback.order", back.Order) : null,
            spec.Task is { } task ? Unknown($"{field}.task.network", task.Network) : null,
            spec.Endpoint is { } endpoint ? Unknown($"{field}.endpoint.mode", endpoint.Mode) : null,
            spec.Task?.Restart is { } restart ? Unknown($"{field}.task.restart.condition", restart.Condition) : null,
        };
        var ports = (spec.Task?.Ports ?? []).Select((port, at) => Unknown($"{field}.task.ports[{at}].protocol", port.Protocol));
        var mounts = (spec.Task?.Container?.Mounts ?? []).Select((mount, at) => Unknown($"{field}.task.container.mounts[{at}].type", mount.Type));
        return problems.Concat(ports).Concat(mounts).OfType<string>();
    }

    private static IEnumerable<string> Labels(string field, MapField<string, string> labels)
    {
        if (labels.Count > Items)
            yield return $"{field} has {labels.Count} labels; at most {Items} are kept";
        foreach (var (name, value) in labels)
        {
            if (name.Length is 0 or > LabelNameLength)
                yield return $"{field} '{Shorten(name)}': a label's name has 1 to {LabelNameLength} characters, not {name.Length}";
            if (value.Length > LabelValueLength)
                yield return $"{field} '{Shorten(name)}': its value is {value.Length} characters long; at most {LabelValueLength} are kept";
        }
    }

    private static string? Unknown<T>(string field, T value)
        where T : struct, System.Enum =>
        System.Enum.IsDefined(value)
            ? null
            : $"{field} is {value:D}, which this manager does not know; its version may be older than the caller's";

    private static string Shorten(string text) => text.Length <= 40 ? text : $"{text[..40]}…";
}
