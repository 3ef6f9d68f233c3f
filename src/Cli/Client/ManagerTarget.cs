namespace Berth.Cli.Client;

/// <summary>Whom a command asks, and as whom.</summary>
internal sealed record ManagerTarget
{
    /// <summary>Managers of one cluster, in the order they are tried; one at least.</summary>
    public required IReadOnlyList<ManagerAddress> Addresses { get; init; }

    /// <summary>How network addresses are spoken to; null where none has an identity to show.</summary>
    public ClientTls? Tls { get; init; }

    /// <summary>The context it comes from, for errors; null when addresses were given.</summary>
    public string? Context { get; init; }

    /// <summary>Whether reads ask for the newest state there is, which only the leader knows.</summary>
    public bool Consistent { get; init; }

    /// <summary>Environment variables, for Consul's own.</summary>
    public Func<string, string?> Environment { get; init; } = _ => null;

    /// <summary>Told what a person should know beside the answer.</summary>
    public Action<string> Note { get; init; } = _ => { };

    /// <summary>A target of one address.</summary>
    public static ManagerTarget Of(ManagerAddress address) => new() { Addresses = [address] };
}
