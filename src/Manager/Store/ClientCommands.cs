using Berth.Model;
using Berth.Protocol;

namespace Berth.Manager.Store;

/// <summary>Decides commands about clients and the unlock key.</summary>
internal static class ClientCommands
{
    public static Decision Admit(ClusterState state, Command.AdmitClient command, DateTimeOffset now)
    {
        var problems = ClientRules.Problems(command.Name, command.Role, command.Stacks).ToList();
        if (command.ExpiresAt <= now)
            problems.Add($"validity: the certificate of '{command.Name}' is over already");
        if (problems.Count > 0)
            return Decision.Refuse(RefusalReason.Invalid, problems);
        if (state.Clients.TryGetValue(command.Name, out var present))
        {
            // Asked again for a certificate that was admitted: done already.
            if (present.Serial == command.Serial)
                return Decision.Accept([], new CommandResults.ClientChanged(command.Name));
            if (present.ExpiresAt > now)
            {
                return Decision.Refuse(RefusalReason.Exists,
                    $"there is a client '{command.Name}' already, valid until {present.ExpiresAt:yyyy-MM-dd}; remove it first (berth cluster client rm {command.Name}), or choose another name");
            }
        }
        return Decision.Accept([new Change.ClientPut(new Client
        {
            Name = command.Name,
            Role = command.Role,
            Stacks = command.Stacks,
            CreatedAt = now,
            ExpiresAt = command.ExpiresAt,
            Serial = command.Serial,
            KeyHash = state.Level >= ReleaseLevel.ClientsOutliveRotations ? command.KeyHash : "",
        })], new CommandResults.ClientChanged(command.Name));
    }

    public static Decision Remove(ClusterState state, Command.RemoveClient command) => state.Clients.ContainsKey(command.Name)
        ? Decision.Accept([new Change.ClientRemoved(command.Name)], new CommandResults.ClientChanged(command.Name))
        : Decision.Refuse(RefusalReason.NotFound, $"there is no client '{command.Name}'; to see what there is, run: berth cluster client ls");

    /// <summary>Turned on twice it keeps its key: whoever wrote the first one down has the right one.</summary>
    public static Decision SetAutolock(ClusterState state, Command.SetAutolock command)
    {
        var key = command.IsOn ? state.UnlockKey ?? command.NewKey : null;
        return Decision.Accept(key == state.UnlockKey ? [] : [new Change.UnlockKeySet(key)], new CommandResults.UnlockKeyIs(key));
    }

    public static Decision RotateUnlockKey(ClusterState state, Command.RotateUnlockKey command) => state.UnlockKey is null
        ? Decision.Refuse(RefusalReason.Conflict, "autolock is off, so there is no unlock key to rotate; turn it on with berth cluster update --autolock=true")
        : Decision.Accept(
            command.NewKey == state.UnlockKey ? [] : [new Change.UnlockKeySet(command.NewKey)], new CommandResults.UnlockKeyIs(command.NewKey));
}
