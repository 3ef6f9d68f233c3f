using System.Text.Json;
using System.Text.Json.Serialization;
using Berth.Cli.Output;
using Berth.Identity;

namespace Berth.Cli.Host;

/// <summary>A wish that the agent joins: <c>join.json</c>.</summary>
internal sealed record JoinWish
{
    /// <summary>The token.</summary>
    public required string Token { get; init; }

    /// <summary>Managers to ask, in turn.</summary>
    public required IReadOnlyList<string> Managers { get; init; }

    /// <summary>The host's address; null leaves it to the agent.</summary>
    public string? Address { get; init; }
}

/// <summary>What an agent says of itself: <c>status.json</c>.</summary>
internal sealed record AgentStatus
{
    /// <summary><c>unjoined</c>, <c>joining</c>, <c>joined</c>, <c>refused</c> or <c>leaving</c>.</summary>
    public string State { get; init; } = "";

    /// <summary>The host's node id.</summary>
    public string NodeId { get; init; } = "";

    /// <summary>Its cluster; empty before it joined.</summary>
    public string ClusterId { get; init; } = "";

    /// <summary>The manager it has a session with; empty while it has none.</summary>
    public string Manager { get; init; } = "";

    /// <summary><c>worker</c> or <c>manager</c>; empty when it is not known.</summary>
    public string Role { get; init; } = "";

    /// <summary>What is wrong; empty when nothing is.</summary>
    public string Error { get; init; } = "";

    /// <summary>Reads it; null when the agent wrote none.</summary>
    public static AgentStatus? Read(HostPaths paths)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(paths.AgentStatus), HostJson.Default.AgentStatus);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return null;
        }
    }
}

/// <summary>How these files are written, without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, WriteIndented = true)]
[JsonSerializable(typeof(JoinWish))]
[JsonSerializable(typeof(AgentStatus))]
internal sealed partial class HostJson : JsonSerializerContext;

/// <summary>Writes the files by which the command line tells this host's daemons what is wanted.</summary>
internal static class HostWishes
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>A manager is wanted here.</summary>
    public static void Manage(HostPaths paths, ManagerFile file)
    {
        Directory.CreateDirectory(paths.Manager, OwnerOnly);
        file.Save(paths.Manager);
    }

    /// <summary>The agent is to join.</summary>
    public static void Join(HostPaths paths, JoinWish wish) =>
        PrivateFile.Write(paths.JoinWish, JsonSerializer.Serialize(wish, HostJson.Default.JoinWish) + "\n");

    /// <summary>The agent is to leave.</summary>
    public static void Leave(HostPaths paths) => PrivateFile.Write(paths.LeaveWish, "{}\n");
}
