using System.Collections.Frozen;
using Berth.Manager.Store;
using Berth.Model;
using Google.Protobuf;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Access;

/// <summary>The rule of every call of every service. A call without one is refused, and fails the tests.</summary>
public static class CallRules
{
    private const string Control = "/berth.v1.Control/";
    private const string Admin = "/berth.v1.ClusterAdmin/";
    private const string Enrollment = "/berth.v1.Enrollment/";
    private const string Dispatcher = "/berth.v1.Dispatcher/";
    private const string Members = "/berth.v1.Members/";

    /// <summary>The one page that is no gRPC call.</summary>
    public const string Metrics = "/metrics";

    private static readonly FrozenDictionary<string, CallRule> ByPath = ControlRules().Concat(AdminRules()).Concat(NodeRules())
        .ToFrozenDictionary(rule => rule.Path, rule => rule.Rule, StringComparer.Ordinal);

    // Services of which every call is for the same audience.
    private static readonly (string Prefix, CallRule Rule)[] ByService =
    [
        ("/berth.v1.Peer/", new CallRule(Audience.Managers, IsAudited: false)),
        ("/berth.v1.AuditExchange/", new CallRule(Audience.Managers, IsAudited: false)),
        ("/berth.v1.KeyExchange/", new CallRule(Audience.Managers, IsAudited: false)),
        (Members, new CallRule(Audience.Managers, IsAudited: false)),
        ("/berth.v1.PeerTalk/", new CallRule(Audience.Managers, IsAudited: false)),
        ("/berth.v1.DebugExchange/", new CallRule(Audience.Managers, IsAudited: false)),
        ("/grpc.health.v1.Health/", new CallRule(Audience.Known, IsAudited: false)),
        ("/grpc.reflection.", new CallRule(Audience.Local, IsAudited: false)),
    ];

    /// <summary>The rule of a call, by its path <c>/package.Service/Method</c>; null when nobody made one.</summary>
    public static CallRule? Of(string path)
    {
        if (ByPath.TryGetValue(path, out var rule))
            return rule;
        foreach (var (prefix, shared) in ByService)
        {
            if (path.StartsWith(prefix, StringComparison.Ordinal))
                return shared;
        }
        return null;
    }

    private static IEnumerable<(string Path, CallRule Rule)> ControlRules()
    {
        foreach (var read in (string[])[
            "GetInfo", "ListStacks", "ListServices", "GetService", "ListTasks", "GetTask", "ListNodes", "GetNode", "ListNetworks", "GetNetwork",
            "FollowServices", "FollowDrain", "WatchEvents", "Logs"])
        {
            yield return (Control + read, new CallRule(Audience.Readers, IsAudited: false));
        }
        yield return Deploying<V1.DeployStackRequest>("DeployStack", (state, request) => [Stack(request.Spec?.Name ?? ""), .. (request.Spec?.Services ?? []).SelectMany(service => Foreign(state, service))]);
        yield return Deploying<V1.RemoveStackRequest>("RemoveStack", (_, request) => [Stack(request.Name)]);
        yield return Deploying<V1.CreateServiceRequest>("CreateService", (state, request) => [Wanted(request.Spec), .. Foreign(state, request.Spec)]);
        yield return Deploying<V1.UpdateServiceRequest>("UpdateService", (state, request) => [Service(state, request.Id), Wanted(request.Spec), .. Foreign(state, request.Spec)]);
        yield return Deploying<V1.ScaleServicesRequest>("ScaleServices", (state, request) => [.. request.Scales.Select(scale => Service(state, scale.Service))]);
        yield return Deploying<V1.RollbackServiceRequest>("RollbackService", (state, request) => [Service(state, request.Service)]);
        yield return Deploying<V1.RemoveServicesRequest>("RemoveServices", (state, request) => [.. request.Services.Select(service => Service(state, service))]);
        yield return Deploying<V1.CreateNetworkRequest>("CreateNetwork", (_, request) => [Wanted(request.Spec)]);
        yield return Deploying<V1.RemoveNetworksRequest>("RemoveNetworks", (state, request) => [.. request.Networks.Select(network => Network(state, network))]);
        yield return Deploying<V1.ExecInput>("Exec", (state, request) => [Task(state, request.Start?.Task ?? "")]);
        yield return Of<V1.UpdateNodeRequest>(Control + "UpdateNode", Audience.Admins, request => $"node '{request.Node}'");
    }

    private static IEnumerable<(string Path, CallRule Rule)> AdminRules()
    {
        yield return (Admin + "GetCluster", new CallRule(Audience.Readers, IsAudited: false));
        yield return (Admin + "ListClients", new CallRule(Audience.Admins, IsAudited: false));
        yield return (Admin + "ReadAudit", new CallRule(Audience.Admins, IsAudited: false));
        yield return (Admin + "ReadMetrics", new CallRule(Audience.Readers, IsAudited: false));
        yield return Of<V1.CollectDebugRequest>(Admin + "CollectDebug", Audience.Admins,
            request => request.Nodes.Count == 0 ? "logs, metrics and state of all" : Nodes(request.Nodes));
        yield return Of<V1.UpdateClusterRequest>(Admin + "UpdateCluster", Audience.Admins, Settings);
        yield return Of<V1.GetJoinTokenRequest>(Admin + "GetJoinToken", Audience.Admins,
            request => $"{(request.Role == V1.NodeRole.Manager ? "manager" : "worker")} token{(request.Rotate ? ", rotated" : "")}");
        yield return Of<V1.RotateAuthorityRequest>(Admin + "RotateAuthority", Audience.Admins, _ => "certificate authority");
        yield return Of<V1.GetUnlockKeyRequest>(Admin + "GetUnlockKey", Audience.Admins, request => request.Rotate ? "unlock key, rotated" : "unlock key");
        yield return Of<V1.UnlockRequest>(Admin + "Unlock", Audience.Local, _ => "this manager");
        yield return Of<V1.RotateDataKeysRequest>(Admin + "RotateDataKeys", Audience.Admins, _ => "data keys");
        yield return Of<V1.BackupRequest>(Admin + "Backup", Audience.Admins, _ => "the whole state");
        yield return Of<V1.MigrateStoreRequest>(Admin + "MigrateStore", Audience.Admins, request => $"store {request.Store}");
        yield return Of<V1.CreateClientRequest>(Admin + "CreateClient", Audience.Admins,
            request => $"client '{request.Name}', {request.Role}{(request.Stacks.Count == 0 ? "" : $" of {string.Join(", ", request.Stacks.Take(10))}")}");
        yield return Of<V1.RemoveClientRequest>(Admin + "RemoveClient", Audience.Admins, request => $"client '{request.Name}'");
        yield return Of<V1.ChangeRoleRequest>(Admin + "PromoteNode", Audience.Admins, request => Nodes(request.Nodes));
        yield return Of<V1.ChangeRoleRequest>(Admin + "DemoteNode", Audience.Admins, request => Nodes(request.Nodes));
        yield return Of<V1.RemoveNodeRequest>(Admin + "RemoveNode", Audience.Admins, request => Nodes(request.Nodes));
        yield return Of<V1.ApproveNodeRequest>(Admin + "ApproveNode", Audience.Admins, request => $"node '{request.Node}'");
    }

    private static IEnumerable<(string Path, CallRule Rule)> NodeRules()
    {
        yield return (Enrollment + "GetTrust", new CallRule(Audience.Everyone, IsAudited: false));
        yield return Of<V1.EnrollRequest>(Enrollment + "Enroll", Audience.Everyone,
            request => $"node {request.NodeId} ('{request.Hostname}'), {(request.CertificateRole == V1.NodeRole.Manager ? "manager" : "worker")} certificate");
        yield return Of<V1.RenewRequest>(Enrollment + "Renew", Audience.Everyone, _ => "its certificate");
        yield return (Dispatcher + "Session", new CallRule(Audience.Agents, IsAudited: false) { NodeOf = first => ((V1.AgentMessage)first).Register?.NodeId });
        yield return (Dispatcher + "Relay", new CallRule(Audience.Agents, IsAudited: false));
        // What it is told is for one host: its certificate and its place in the store.
        yield return (Members + "GetStore", new CallRule(Audience.Managers, IsAudited: false) { NodeOf = first => ((V1.GetStoreRequest)first).NodeId is { Length: > 0 } node ? node : null });
        yield return (Metrics, new CallRule(Audience.Readers, IsAudited: false));
    }

    private static (string, CallRule) Deploying<T>(string method, Func<ClusterState, T, IReadOnlyList<Subject>> subjects)
        where T : IMessage =>
        (Control + method, new CallRule(Audience.Deployers, IsAudited: true) { Subjects = (state, request) => subjects(state, (T)request) });

    private static (string, CallRule) Of<T>(string path, Audience audience, Func<T, string> subject)
        where T : IMessage =>
        (path, new CallRule(audience, IsAudited: true) { Subjects = (_, request) => [new Subject(subject((T)request), null)] });

    private static Subject Stack(string name) => new($"stack '{name}'", name);

    // What is not there belongs to no stack: only an admin gets to hear so from the store.
    private static Subject Service(ClusterState state, string reference) => References.Service(state, reference).Value is { } service
        ? new Subject($"service '{service.Spec.Name}'", service.Stack)
        : new Subject($"service '{reference}'", null);

    private static Subject Wanted(V1.ServiceSpec? spec) =>
        new($"service '{spec?.Name}'", spec?.Labels.TryGetValue(StackLabels.Namespace, out var stack) is true ? stack : null);

    private static Subject Network(ClusterState state, string reference) => References.Network(state, reference).Value is { } network
        ? new Subject($"network '{network.Spec.Name}'", network.Stack)
        : new Subject($"network '{reference}'", null);

    // Who is in a stack's network reaches its services. Networks of no stack are there to be shared.
    private static IEnumerable<Subject> Foreign(ClusterState state, V1.ServiceSpec? spec) =>
        from attachment in spec?.Task?.Networks ?? []
        let network = References.Network(state, attachment.Target).Value
        where network?.Stack is not null
        select new Subject($"network '{network.Spec.Name}'", network.Stack);

    private static Subject Wanted(V1.NetworkSpec? spec) =>
        new($"network '{spec?.Name}'", spec?.Labels.TryGetValue(StackLabels.Namespace, out var stack) is true ? stack : null);

    private static Subject Task(ClusterState state, string reference)
    {
        var stack = References.Task(state, reference).Value is { } task && state.Services.TryGetValue(task.ServiceId, out var service) ? service.Stack : null;
        return new Subject($"task '{reference}'", stack);
    }

    private static string Settings(V1.UpdateClusterRequest request)
    {
        var settings = new List<string>();
        if (request.HasAutolock)
            settings.Add($"autolock {(request.Autolock ? "on" : "off")}");
        if (request.HasCertificateValidityNs)
            settings.Add($"certificate validity {TimeSpan.FromTicks(request.CertificateValidityNs / 100)}");
        if (request.HasExternalAuthority)
            settings.Add($"external authority '{request.ExternalAuthority}'");
        if (request.HasNetworkPool)
            settings.Add($"network pool {request.NetworkPool}");
        if (request.HasNetworkSize)
            settings.Add($"network size {request.NetworkSize}");
        return string.Join(", ", settings);
    }

    private static string Nodes(IEnumerable<string> nodes) => $"node {string.Join(", ", nodes.Take(10).Select(node => $"'{node}'"))}";
}
