using System.Buffers;
using System.Text.Json;

namespace Berth.Identity;

/// <summary>Whether the agent belongs to a cluster.</summary>
public enum JoinState
{
    /// <summary>It waits for a wish to join.</summary>
    Unjoined,
    /// <summary>It asks for a certificate.</summary>
    Joining,
    /// <summary>It belongs to a cluster.</summary>
    Joined,
    /// <summary>A manager said no: to its joining, or to a node that was removed.</summary>
    Refused,
    /// <summary>It stops its tasks and forgets the cluster.</summary>
    Leaving,
}

/// <summary>What <c>status.json</c> tells the command line.</summary>
/// <param name="State">Whether it belongs to a cluster.</param>
/// <param name="NodeId">Its node's id.</param>
/// <param name="ClusterId">Its cluster's id; empty before it has one.</param>
/// <param name="Manager">The manager whose session it has; empty while it has none.</param>
/// <param name="Error">What is wrong, with what to do; empty when nothing is.</param>
/// <param name="Role"><c>worker</c> or <c>manager</c>, as the token it joined with said; empty after a restart of the agent.</param>
public sealed record AgentStatus(JoinState State, string NodeId, string ClusterId = "", string Manager = "", string Error = "", string Role = "")
{
    /// <summary>Reads what an agent wrote; null when it wrote nothing that can be read.</summary>
    public static AgentStatus? Read(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            string Text(string name) => document.RootElement.TryGetProperty(name, out var value) ? value.GetString() ?? "" : "";
            var known = Enum.GetValues<JoinState>().Where(state => Word(state) == Text("state")).ToList();
            return known is [var state] ? new AgentStatus(state, Text("node_id"), Text("cluster_id"), Text("manager"), Text("error"), Text("role")) : null;
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException or JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>As it is written.</summary>
    public byte[] ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("state", Word(State));
            json.WriteString("node_id", NodeId);
            json.WriteString("cluster_id", ClusterId);
            json.WriteString("manager", Manager);
            json.WriteString("error", Error);
            json.WriteString("role", Role);
            json.WriteEndObject();
        }
        return [.. buffer.WrittenSpan, (byte)'\n'];
    }

    private static string Word(JoinState state) => state switch
    {
        JoinState.Unjoined => "unjoined",
        JoinState.Joining => "joining",
        JoinState.Joined => "joined",
        JoinState.Refused => "refused",
        _ => "leaving",
    };
}
