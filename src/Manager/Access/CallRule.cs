using Berth.Manager.Store;
using Google.Protobuf;

namespace Berth.Manager.Access;

/// <summary>Whom a call is for.</summary>
public enum Audience
{
    /// <summary>Everyone, also without a certificate: the call itself asks for proof.</summary>
    Everyone,
    /// <summary>Everyone who proved who he is.</summary>
    Known,
    /// <summary>Clients of every role.</summary>
    Readers,
    /// <summary>Admins, and deployers as far as the objects of the call belong to their stacks.</summary>
    Deployers,
    /// <summary>Admins.</summary>
    Admins,
    /// <summary>Agents, each for its own node.</summary>
    Agents,
    /// <summary>Managers.</summary>
    Managers,
    /// <summary>Who comes by the socket of this very manager.</summary>
    Local,
}

/// <summary>One object of a call.</summary>
/// <param name="Name">For people: <c>service 'web'</c>.</param>
/// <param name="Stack">Its stack; null when it belongs to none.</param>
public sealed record Subject(string Name, string? Stack);

/// <summary>Who may make a call, and what is written down of it.</summary>
/// <param name="Audience">Whom it is for.</param>
/// <param name="IsAudited">It changes something, or gives a secret away.</param>
public sealed record CallRule(Audience Audience, bool IsAudited)
{
    /// <summary>What the call is about, by its first message; never with what is secret in it.</summary>
    public Func<ClusterState, IMessage, IReadOnlyList<Subject>> Subjects { get; init; } = (_, _) => [];

    /// <summary>The node an agent or manager speaks for, by its first message; null when it names none.</summary>
    public Func<IMessage, string?> NodeOf { get; init; } = _ => null;
}
