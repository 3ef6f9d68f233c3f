using System.Collections.Immutable;
using Berth.Model;

namespace Berth.Manager.Store;

/// <summary>What a command does, decided purely: state, command, time and new ids in; changes or a refusal out.</summary>
public static class Commands
{
    /// <summary>Decides <paramref name="command"/>.</summary>
    /// <param name="state">The newest state, changes on their way to the journal included.</param>
    /// <param name="command">What is asked.</param>
    /// <param name="now">The leader's clock.</param>
    /// <param name="ids">New ids, in order.</param>
    public static Decision Decide(ClusterState state, Command command, DateTimeOffset now, IdSource ids) => command switch
    {
        Command.DeployStack deploy => StackCommands.Deploy(state, deploy, now, ids),
        Command.RemoveStack remove => StackCommands.Remove(state, remove),
        Command.CreateService create => ServiceCommands.Create(state, create, now, ids),
        Command.CreateNetwork create => NetworkCommands.Create(state, create, now, ids),
        Command.RemoveNetworks remove => NetworkCommands.Remove(state, remove),
        Command.ArrangeNetworks arrange => Slicing.Arrange(state, arrange),
        Command.UpdateService update => ServiceCommands.Update(state, update, now, ids),
        Command.ScaleServices scale => ServiceCommands.Scale(state, scale, now),
        Command.RollbackService rollback => ServiceCommands.RollBack(state, rollback, now),
        Command.RemoveServices remove => ServiceCommands.Remove(state, remove),
        Command.UpdateNode update => NodeCommands.Update(state, update, now),
        Command.SetNodeRole set => NodeCommands.SetRole(state, set, now),
        Command.SetStoreAuthority set => Decision.Accept(
            state.StoreAuthority is null ? [new Change.StoreAuthorityPut(set.Authority)] : [],
            new CommandResults.StoreAuthorityIs(state.StoreAuthority ?? set.Authority)),
        Command.RaiseLevel raise => Decision.Accept(raise.Level > state.Level ? [new Change.LevelRaised(raise.Level)] : [], new CommandResults.LevelIs(Math.Max(raise.Level, state.Level))),
        Command.RegisterNode register => NodeCommands.Register(state, register, now),
        Command.EstablishTrust establish => TrustCommands.Establish(state, establish),
        Command.RotateToken rotate => TrustCommands.RotateToken(state, rotate),
        Command.UpdateSettings update => TrustCommands.UpdateSettings(state, update),
        Command.RotateAuthority rotate => TrustCommands.RotateAuthority(state, rotate, now),
        Command.AdvanceRotation => TrustCommands.Advance(state, now),
        Command.AdmitNode admit => IdentityCommands.Admit(state, admit, now),
        Command.RenewCertificate renew => IdentityCommands.Renew(state, renew),
        Command.AskApproval ask => IdentityCommands.AskApproval(state, ask),
        Command.ApproveNode approve => IdentityCommands.Approve(state, approve, now),
        Command.RemoveNodes remove => IdentityCommands.Remove(state, remove),
        Command.AdmitClient admit => ClientCommands.Admit(state, admit, now),
        Command.RemoveClient remove => ClientCommands.Remove(state, remove),
        Command.SetAutolock set => ClientCommands.SetAutolock(state, set),
        Command.RotateUnlockKey rotate => ClientCommands.RotateUnlockKey(state, rotate),
        _ => throw new ArgumentOutOfRangeException(nameof(command), command, "not a command"),
    };
}

/// <summary>Changes and what to answer, or a refusal.</summary>
/// <param name="Changes">Empty when nothing has to change.</param>
/// <param name="Result">For the caller; null when refused.</param>
/// <param name="Refusal">Null when it is decided.</param>
public sealed record Decision(ImmutableArray<Change> Changes, object? Result, StoreProtocol.Refused? Refusal)
{
    /// <summary>A refusal.</summary>
    public static Decision Refuse(RefusalReason reason, string message) =>
        new([], null, new StoreProtocol.Refused(reason, message));

    /// <summary>A refusal that names every problem, one a line.</summary>
    public static Decision Refuse(RefusalReason reason, IEnumerable<string> problems) => Refuse(reason, string.Join('\n', problems));

    /// <summary>A refusal already made.</summary>
    public static Decision Refuse(StoreProtocol.Refused refusal) => new([], null, refusal);

    /// <summary>Changes and an answer.</summary>
    public static Decision Accept(ImmutableArray<Change> changes, object result) => new(changes, result, null);
}
