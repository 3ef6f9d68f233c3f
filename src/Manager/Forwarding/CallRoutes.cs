using System.Collections.Frozen;

namespace Berth.Manager.Forwarding;

/// <summary>Who answers a call.</summary>
public enum CallRoute
{
    /// <summary>The manager that was asked, whatever it is: sessions and streams that end there, health.</summary>
    Here,

    /// <summary>The manager that was asked, from what it has seen; the leader when the caller asks for a consistent answer.</summary>
    Read,

    /// <summary>The leader: it changes something, or gives away what only the newest state may say.</summary>
    Leader,
}

/// <summary>Which call is answered where. A call without an entry fails the tests.</summary>
public static class CallRoutes
{
    private const string Control = "/berth.v1.Control/";
    private const string Admin = "/berth.v1.ClusterAdmin/";
    private const string Enrollment = "/berth.v1.Enrollment/";
    private const string Dispatcher = "/berth.v1.Dispatcher/";

    /// <summary>By path, with what a caller runs to see whether a call took effect; empty for one that changes nothing.</summary>
    private static readonly FrozenDictionary<string, (CallRoute Route, string Check)> ByPath = new Dictionary<string, (CallRoute, string)>
    {
        [Control + "GetInfo"] = (CallRoute.Read, ""),
        [Control + "DeployStack"] = (CallRoute.Leader, "berth stack ls"),
        [Control + "ListStacks"] = (CallRoute.Read, ""),
        [Control + "RemoveStack"] = (CallRoute.Leader, "berth stack ls"),
        [Control + "CreateService"] = (CallRoute.Leader, "berth service ls"),
        [Control + "UpdateService"] = (CallRoute.Leader, "berth service inspect"),
        [Control + "ScaleServices"] = (CallRoute.Leader, "berth service ls"),
        [Control + "RollbackService"] = (CallRoute.Leader, "berth service inspect"),
        [Control + "RemoveServices"] = (CallRoute.Leader, "berth service ls"),
        [Control + "ListServices"] = (CallRoute.Read, ""),
        [Control + "GetService"] = (CallRoute.Read, ""),
        [Control + "ListTasks"] = (CallRoute.Read, ""),
        [Control + "GetTask"] = (CallRoute.Read, ""),
        [Control + "CreateNetwork"] = (CallRoute.Leader, "berth network ls"),
        [Control + "RemoveNetworks"] = (CallRoute.Leader, "berth network ls"),
        [Control + "ListNetworks"] = (CallRoute.Read, ""),
        [Control + "GetNetwork"] = (CallRoute.Read, ""),
        [Control + "ListNodes"] = (CallRoute.Read, ""),
        [Control + "GetNode"] = (CallRoute.Read, ""),
        [Control + "UpdateNode"] = (CallRoute.Leader, "berth node inspect"),
        // Streams live where the caller is: they outlast leaders.
        [Control + "FollowServices"] = (CallRoute.Here, ""),
        [Control + "FollowDrain"] = (CallRoute.Here, ""),
        [Control + "WatchEvents"] = (CallRoute.Here, ""),
        [Control + "Logs"] = (CallRoute.Here, ""),
        [Control + "Exec"] = (CallRoute.Here, ""),

        [Admin + "GetCluster"] = (CallRoute.Read, ""),
        [Admin + "UpdateCluster"] = (CallRoute.Leader, "berth cluster status"),
        [Admin + "GetJoinToken"] = (CallRoute.Leader, "berth cluster token worker|manager"),
        [Admin + "RotateAuthority"] = (CallRoute.Leader, "berth cluster status"),
        [Admin + "GetUnlockKey"] = (CallRoute.Leader, "berth cluster unlock-key"),
        // It is this very manager that is locked.
        [Admin + "Unlock"] = (CallRoute.Here, ""),
        [Admin + "RotateDataKeys"] = (CallRoute.Leader, "berth cluster status"),
        [Admin + "Backup"] = (CallRoute.Leader, ""),
        [Admin + "MigrateStore"] = (CallRoute.Leader, "berth cluster status"),
        [Admin + "CreateClient"] = (CallRoute.Leader, "berth cluster client ls"),
        [Admin + "ListClients"] = (CallRoute.Read, ""),
        [Admin + "RemoveClient"] = (CallRoute.Leader, "berth cluster client ls"),
        [Admin + "ReadAudit"] = (CallRoute.Here, ""),
        [Admin + "CollectDebug"] = (CallRoute.Here, ""),
        [Admin + "ReadMetrics"] = (CallRoute.Here, ""),
        [Admin + "PromoteNode"] = (CallRoute.Leader, "berth node ls"),
        [Admin + "DemoteNode"] = (CallRoute.Leader, "berth node ls"),
        [Admin + "RemoveNode"] = (CallRoute.Leader, "berth node ls"),
        [Admin + "ApproveNode"] = (CallRoute.Leader, "berth node ls"),

        // Needs no secret and no leader: joining must not wait for one only to learn whom to trust.
        [Enrollment + "GetTrust"] = (CallRoute.Here, ""),
        [Enrollment + "Enroll"] = (CallRoute.Leader, "berth node ls"),
        [Enrollment + "Renew"] = (CallRoute.Leader, "berth node ls"),

        ["/berth.v1.Members/GetStore"] = (CallRoute.Leader, ""),

        [Dispatcher + "Session"] = (CallRoute.Here, ""),
        [Dispatcher + "Relay"] = (CallRoute.Here, ""),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Services of which every call is answered where it arrives: they speak about one process.</summary>
    private static readonly string[] HereAltogether =
        ["/berth.v1.Peer/", "/berth.v1.PeerTalk/", "/berth.v1.KeyExchange/", "/berth.v1.AuditExchange/", "/berth.v1.DebugExchange/", "/grpc.health.v1.Health/", "/grpc.reflection."];

    /// <summary>Whether somebody decided where the call is answered.</summary>
    public static bool IsKnown(string path) =>
        ByPath.ContainsKey(path) || HereAltogether.Any(service => path.StartsWith(service, StringComparison.Ordinal));

    /// <summary>Where the call is answered. A call that nobody knows is refused where it arrives.</summary>
    public static CallRoute Of(string path) => ByPath.TryGetValue(path, out var entry) ? entry.Route : CallRoute.Here;

    /// <summary>The command line that shows whether a call took effect; empty when it changes nothing.</summary>
    public static string CheckOf(string path) => ByPath.TryGetValue(path, out var entry) ? entry.Check : "";

    /// <summary>Whether only the leader may answer.</summary>
    /// <param name="path">The call.</param>
    /// <param name="isConsistent">The caller wants the leader's answer.</param>
    public static bool NeedsLeader(string path, bool isConsistent) => Of(path) switch
    {
        CallRoute.Leader => true,
        CallRoute.Read => isConsistent,
        _ => false,
    };
}
