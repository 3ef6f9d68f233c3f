using System.Text.RegularExpressions;

namespace Berth.Model;

/// <summary>What a client may do; each may do all that the ones before it may.</summary>
public enum ClientRole
{
    /// <summary>Reads.</summary>
    Viewer = 1,
    /// <summary>Changes its stacks, and runs commands in their tasks.</summary>
    Deployer = 2,
    /// <summary>Everything.</summary>
    Admin = 3,
}

/// <summary>A person or tool that may call managers with a certificate of its own.</summary>
public sealed record Client
{
    /// <summary>Its name: CN of its certificate.</summary>
    public required string Name { get; init; }
    /// <summary>What it may do.</summary>
    public required ClientRole Role { get; init; }
    /// <summary>A deployer's stacks; <see cref="EveryStack"/> alone means all there are and will be.</summary>
    public ValueList<string> Stacks { get; init; }
    /// <summary>When it was admitted.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
    /// <summary>Until when its certificate is valid.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }
    /// <summary>The serial number of its one valid certificate, hexadecimal: an earlier one of the same name is worth nothing.</summary>
    public required string Serial { get; init; }

    /// <summary>SHA-256 of its key: whoever has the authority's key can sign a certificate of that name and number, but not for this key.
    /// Empty for a client of before this was kept.</summary>
    public string KeyHash { get; init; } = "";

    /// <summary>Among a deployer's stacks: every stack.</summary>
    public const string EveryStack = "*";

    /// <summary>Whether it may change the stack; null is what belongs to no stack.</summary>
    public bool MayChange(string? stack) => Role switch
    {
        ClientRole.Admin => true,
        ClientRole.Deployer => stack is not null && (Stacks.Contains(stack) || Stacks.Contains(EveryStack)),
        _ => false,
    };
}

/// <summary>What every client must obey.</summary>
public static partial class ClientRules
{
    /// <summary>Characters of a client's name.</summary>
    public const int LongestName = 63;

    /// <summary>Stacks of one deployer; who has more is given all with <c>*</c>.</summary>
    public const int MostStacks = 100;

    /// <summary>How long a client's certificate is valid unless something else is asked for.</summary>
    public static readonly TimeSpan DefaultValidity = TimeSpan.FromDays(90);

    /// <summary>The longest validity there is: who stays longer is admitted again.</summary>
    public static readonly TimeSpan LongestValidity = TimeSpan.FromDays(3 * 366);

    /// <summary>The shortest validity that is of use.</summary>
    public static readonly TimeSpan ShortestValidity = TimeSpan.FromMinutes(1);

    /// <summary>Every problem of a client that is to be admitted; empty when there is none.</summary>
    public static IEnumerable<string> Problems(string name, ClientRole role, ValueList<string> stacks)
    {
        if (!Name().IsMatch(name) || name.Length > LongestName)
            yield return $"name: '{(name.Length > LongestName ? name[..LongestName] + "…" : name)}' cannot name a client; use 1 to {LongestName} of a-z, 0-9, '.', '_' and '-', the first a letter or digit";
        if (!Enum.IsDefined(role))
            yield return $"role: {role} is not known; write admin, deployer or viewer";
        if (role == ClientRole.Deployer && stacks.IsEmpty)
            yield return "stacks: a deployer needs at least one; name its stacks, or write * for every stack";
        if (role != ClientRole.Deployer && !stacks.IsEmpty)
            yield return "stacks: only a deployer has stacks; leave them out, or make it a deployer";
        if (stacks.Count > MostStacks)
            yield return $"stacks: {stacks.Count} are named; at most {MostStacks} are kept: write * for every stack";
        foreach (var stack in stacks.Where(stack => stack != Client.EveryStack))
        {
            if (SpecRules.NameProblem(stack) is { } problem)
                yield return $"stacks: {problem}";
        }
    }

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9._-]*\z")]
    private static partial Regex Name();
}
