using Berth.Model;
using Berth.Protocol.V1;

namespace Berth.Manager.Access;

/// <summary>How a caller proved who he is.</summary>
public enum CallerKind
{
    /// <summary>He did not: no certificate.</summary>
    Anonymous,
    /// <summary>By a manager's unix socket, which only root and the group <c>berth</c> can open.</summary>
    LocalRoot,
    /// <summary>By a client's certificate.</summary>
    Client,
    /// <summary>By a manager's certificate.</summary>
    Manager,
    /// <summary>By an agent's certificate.</summary>
    Worker,
}

/// <summary>Who calls. What he may do is decided by the state: <see cref="AccessDecider"/>.</summary>
/// <param name="Kind">How he proved it.</param>
/// <param name="Name">A client's name, a manager's or worker's node id, a local user and his host.</param>
/// <param name="From">Address or socket he came from.</param>
public sealed record Caller(CallerKind Kind, string Name, string From)
{
    /// <summary>The serial number of his certificate, hexadecimal; empty without one.</summary>
    public string Serial { get; init; } = "";

    /// <summary>SHA-256 of his certificate's key, hexadecimal; empty without one.</summary>
    public string KeyHash { get; init; } = "";

    /// <summary>Until when his certificate is valid; null without one.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The manager that passed the call on; null when he called himself.</summary>
    public Caller? Via { get; init; }

    /// <summary>His node; null for anybody but a manager or worker.</summary>
    public NodeId? Node => Kind is CallerKind.Manager or CallerKind.Worker && NodeId.TryParse(Name, out var id) ? id : null;

    /// <summary>As another manager is told of him.</summary>
    public OriginalCaller ToWire() => new()
    {
        Kind = Kind switch
        {
            CallerKind.LocalRoot => OriginalCaller.Types.Kind.Local,
            CallerKind.Client => OriginalCaller.Types.Kind.Client,
            CallerKind.Manager => OriginalCaller.Types.Kind.Manager,
            CallerKind.Worker => OriginalCaller.Types.Kind.Worker,
            _ => OriginalCaller.Types.Kind.Anonymous,
        },
        Name = Name,
        From = From,
        Serial = Serial,
        KeyHash = KeyHash,
        ExpiresTicks = ExpiresAt?.UtcTicks ?? 0,
    };

    /// <summary>As another manager told of him.</summary>
    public static Caller FromWire(OriginalCaller wire, Caller via) => new(
        wire.Kind switch
        {
            OriginalCaller.Types.Kind.Local => CallerKind.LocalRoot,
            OriginalCaller.Types.Kind.Client => CallerKind.Client,
            OriginalCaller.Types.Kind.Manager => CallerKind.Manager,
            OriginalCaller.Types.Kind.Worker => CallerKind.Worker,
            _ => CallerKind.Anonymous,
        },
        wire.Name,
        wire.From)
    {
        Serial = wire.Serial,
        KeyHash = wire.KeyHash,
        ExpiresAt = wire.ExpiresTicks is > 0 and <= 3_155_378_975_999_999_999 ? new DateTimeOffset(wire.ExpiresTicks, TimeSpan.Zero) : null,
        Via = via,
    };
}
