using System.Text.Json;
using System.Text.Json.Serialization;

namespace Berth.Cli.Client.Contexts;

/// <summary>A cluster this user may ask: its managers, and what is said of it. The client's key and certificate are beside it,
/// in a folder of the context's name.</summary>
internal sealed record ClusterContext
{
    /// <summary>Addresses of its managers; all are tried.</summary>
    public required IReadOnlyList<string> Managers { get; init; }

    /// <summary>For people.</summary>
    public string Description { get; init; } = "";

    /// <summary>Whether a client's key and certificate belong to it.</summary>
    public bool HasIdentity { get; init; }
}

/// <summary>The file of all contexts.</summary>
internal sealed record ContextFile
{
    /// <summary>The one that is used when nothing else is named; empty for this host's own manager.</summary>
    public string Current { get; init; } = "";

    /// <summary>By name.</summary>
    public SortedDictionary<string, ClusterContext> Contexts { get; init; } = [];
}

/// <summary>A context in one file, key included: what <c>cluster client create</c> and <c>context export</c> write.</summary>
internal sealed record ContextBundle
{
    /// <summary>The format; others are refused.</summary>
    public const int Format = 1;

    /// <summary>Which format the file has.</summary>
    public required int BerthContext { get; init; }

    /// <summary>What the context is called unless told.</summary>
    public required string Name { get; init; }

    /// <summary>Addresses of managers.</summary>
    public required IReadOnlyList<string> Managers { get; init; }

    /// <summary>For people.</summary>
    public string Description { get; init; } = "";

    /// <summary>The client's certificate and what it needs up to the authority, PEM; empty when there is none.</summary>
    public string Certificate { get; init; } = "";

    /// <summary>Roots to trust, PEM.</summary>
    public string Authority { get; init; } = "";

    /// <summary>The client's private key, PEM.</summary>
    public string Key { get; init; } = "";
}

/// <summary>How contexts are written, without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(ContextFile))]
[JsonSerializable(typeof(ContextBundle))]
internal sealed partial class ContextJson : JsonSerializerContext;
