using Berth.Cli.Client;

namespace Berth.Cli.Host;

/// <summary>Where this host's manager and agent keep their files; docs/managers.md says what each is.</summary>
/// <param name="Folder">Usually <c>/var/lib/berth</c>.</param>
/// <param name="Socket">Where this host's manager listens.</param>
internal sealed record HostPaths(string Folder, ManagerAddress Socket)
{
    /// <summary>Names another folder than <c>/var/lib/berth</c>.</summary>
    public const string Variable = "BERTH_DIR";

    /// <summary>The manager's folder.</summary>
    public string Manager => Path.Combine(Folder, "manager");

    /// <summary>Says that a manager is wanted on this host, and how.</summary>
    public string ManagerConfig => Path.Combine(Manager, "manager.json");

    /// <summary>Names the running manager's process.</summary>
    public string ManagerPid => Path.Combine(Manager, "manager.pid");

    /// <summary>The etcd member's folder.</summary>
    public string Etcd => Path.Combine(Folder, "etcd");

    /// <summary>The agent's folder.</summary>
    public string Agent => Path.Combine(Folder, "agent");

    /// <summary>The wish to join.</summary>
    public string JoinWish => Path.Combine(Agent, "join.json");

    /// <summary>The wish to leave.</summary>
    public string LeaveWish => Path.Combine(Agent, "leave.json");

    /// <summary>What the agent says of itself.</summary>
    public string AgentStatus => Path.Combine(Agent, "status.json");

    /// <summary>Whether a manager is wanted on this host.</summary>
    public bool HasManager => File.Exists(ManagerConfig);

    /// <summary>This host's paths. A manager named by address is elsewhere: only a socket can be this host's own.</summary>
    /// <param name="host"><c>--host</c>.</param>
    /// <param name="environment">Environment variables.</param>
    public static HostPaths Of(string? host, Func<string, string?> environment)
    {
        var named = host is { Length: > 0 } ? ManagerAddress.ParseAll(host, "--host")
            : environment(ManagerAddress.Variable) is { Length: > 0 } variable ? ManagerAddress.ParseAll(variable, ManagerAddress.Variable) : [];
        return new HostPaths(
            environment(Variable) is { Length: > 0 } folder ? Path.GetFullPath(folder) : "/var/lib/berth",
            named is [{ SocketPath: not null } socket] ? socket : ManagerAddress.Local);
    }
}
