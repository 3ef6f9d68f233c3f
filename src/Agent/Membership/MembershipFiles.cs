using Berth.Identity;
using Microsoft.Extensions.Logging;

namespace Berth.Agent.Membership;

/// <summary>The files by which the command line and the agent talk about joining, in the agent's data directory.</summary>
public sealed class MembershipFiles(string directory, ILogger log)
{
    private readonly Lock _lock = new();
    private AgentStatus? _written;

    /// <summary>The agent's key, certificate and authorities.</summary>
    public IdentityFiles Identity { get; } = new(Path.Combine(directory, "identity"), "node");

    /// <summary>Whether somebody asked the agent to leave.</summary>
    public bool IsLeaveWished => File.Exists(LeavePath);

    private string JoinPath => Path.Combine(directory, "join.json");

    private string LeavePath => Path.Combine(directory, "leave.json");

    private string StatusPath => Path.Combine(directory, "status.json");

    /// <summary>The text of the wish to join; null when there is none.</summary>
    public string? ReadJoinWish()
    {
        try
        {
            return File.Exists(JoinPath) ? File.ReadAllText(JoinPath) : null;
        }
        catch (IOException)
        {
            // It was taken away between the two, or is being written: the next look tells.
            return null;
        }
    }

    /// <summary>The wish is fulfilled, or refused: its token is kept nowhere.</summary>
    public void RemoveJoinWish() => File.Delete(JoinPath);

    /// <summary>The agent has left.</summary>
    public void RemoveLeaveWish() => File.Delete(LeavePath);

    /// <summary>Writes the status when it is another than before; readers see the old one or the new one.</summary>
    public void Write(AgentStatus status)
    {
        lock (_lock)
        {
            if (status == _written)
                return;
            try
            {
                PrivateText.Write(StatusPath, status.ToJson());
                _written = status;
            }
            catch (Exception full) when (full is IOException or UnauthorizedAccessException)
            {
                // It only informs: nothing depends on it, and the next change tries again.
                log.LogWarning("{Path} cannot be written: {Reason}", StatusPath, full.Message);
            }
        }
    }
}
