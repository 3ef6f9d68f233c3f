using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Berth.Model;

namespace Berth.Identity;

/// <summary>A manager's <c>manager.json</c>: that a manager is wanted on a host, and how; docs/managers.md.</summary>
public sealed record ManagerFile
{
    /// <summary>Its name in the manager's data directory.</summary>
    public const string Name = "manager.json";

    /// <summary>The port of managers, unless <see cref="Advertise"/> names another.</summary>
    public const int DefaultPort = 2400;

    private static readonly string[] Stores = ["sqlite", "postgres", "etcd"];

    /// <summary>The host's node id.</summary>
    public required NodeId NodeId { get; init; }

    /// <summary>The host's name.</summary>
    public required string Hostname { get; init; }

    /// <summary>Where others reach it.</summary>
    public required IPEndPoint Advertise { get; init; }

    /// <summary>sqlite, postgres or etcd.</summary>
    public string Store { get; init; } = "sqlite";

    /// <summary>For postgres: its connection string.</summary>
    public string? Postgres { get; init; }

    /// <summary>The token it joins with; null once it has, and when it forms a new cluster.</summary>
    public JoinToken? JoinToken { get; init; }

    /// <summary>Where to join.</summary>
    public ValueList<string> JoinManagers { get; init; }

    /// <summary>Where others reach it, as an address of gRPC.</summary>
    public string Url => $"https://{Advertise}";

    /// <summary>The address as it is told to others: without the port when that is the usual one.</summary>
    public string Address => Advertise.Port == DefaultPort ? Advertise.Address.ToString() : Advertise.ToString();

    /// <summary>The address of a manager that is told as <see cref="Address"/>, as an address of gRPC.</summary>
    public static string UrlOf(string address) => $"https://{EndPointOf(address)?.ToString() ?? address}";

    /// <summary>An address of IPv4 or IPv6, with a port or for the usual one; null when it is neither.</summary>
    /// <param name="text">Such as <c>10.0.0.1</c>, <c>10.0.0.1:2410</c>, <c>fd00::1</c> or <c>[fd00::1]:2410</c>.</param>
    public static IPEndPoint? EndPointOf(string text)
    {
        // Not IPAddress.TryParse: it takes what has brackets, and passes over the port behind them.
        if (!IPEndPoint.TryParse(text, out var read))
            return null;
        var namesPort = text.Contains("]:", StringComparison.Ordinal) || (text.Contains('.', StringComparison.Ordinal) && text.Contains(':', StringComparison.Ordinal) && !text.Contains("::", StringComparison.Ordinal));
        return read.Port > 0 ? read : namesPort ? null : new IPEndPoint(read.Address, DefaultPort);
    }

    /// <summary>Reads the file of a data directory; null when there is none. Throws <see cref="InvalidDataException"/> that says
    /// what is wrong.</summary>
    public static ManagerFile? Load(string dataDirectory)
    {
        var path = Path.Combine(dataDirectory, Name);
        try
        {
            return File.Exists(path) ? Parse(File.ReadAllText(path)) : null;
        }
        catch (FormatException error)
        {
            throw new InvalidDataException($"{path}: {error.Message}", error);
        }
    }

    /// <summary>Reads the text, or throws <see cref="FormatException"/> that says what is wrong.</summary>
    public static ManagerFile Parse(string json)
    {
        ManagerJson? read;
        try
        {
            read = JsonSerializer.Deserialize(json, ManagerJsonContext.Default.ManagerJson);
        }
        catch (JsonException error)
        {
            throw new FormatException($"this is no {Name}: {error.Message}", error);
        }
        if (read is null)
            throw new FormatException($"this is no {Name}: it is null");
        var kind = read.Store?.Kind ?? "sqlite";
        if (!Stores.Contains(kind))
            throw new FormatException($"store.kind is '{kind}'; write sqlite, postgres or etcd");
        if (kind == "postgres" && string.IsNullOrEmpty(read.Store?.Postgres))
            throw new FormatException("store.postgres is missing; write a connection string such as Host=db;Username=berth;SSL Mode=VerifyFull");
        if (string.IsNullOrEmpty(read.Hostname))
            throw new FormatException("hostname is missing");
        return new ManagerFile
        {
            NodeId = NodeId.Parse(read.NodeId ?? ""),
            Hostname = read.Hostname,
            Advertise = ReadAddress(read.Advertise),
            Store = kind,
            Postgres = read.Store?.Postgres,
            JoinToken = read.Join is { } join ? JoinToken.Parse(join.Token ?? "") : null,
            JoinManagers = read.Join is { } wish ? ReadManagers(wish) : [],
        };
    }

    /// <summary>The file's text.</summary>
    public string Format() => JsonSerializer.Serialize(
        new ManagerJson
        {
            NodeId = NodeId.ToString(),
            Hostname = Hostname,
            Advertise = Address,
            Store = new StoreJson { Kind = Store, Postgres = Postgres },
            Join = JoinToken is { } token ? new JoinJson { Token = token.Format(), Managers = [.. JoinManagers] } : null,
        },
        ManagerJsonContext.Default.ManagerJson) + "\n";

    /// <summary>Writes the file into a data directory, readable by root only, as a whole.</summary>
    public void Save(string dataDirectory) => PrivateText.Write(Path.Combine(dataDirectory, Name), Format());

    /// <summary>Without the token and what opens the database.</summary>
    public override string ToString() => $"{nameof(ManagerFile)} {{ {NodeId}, {Hostname}, {Advertise}, {Store}{(JoinToken is null ? "" : ", joining")} }}";

    private static IPEndPoint ReadAddress(string? text)
    {
        if (string.IsNullOrEmpty(text))
            throw new FormatException("advertise is missing; write the host's IP address");
        var address = EndPointOf(text) ?? throw new FormatException($"advertise is '{text}'; write an IP address such as 10.0.0.1, or one with a port");
        return address.Address.Equals(IPAddress.Any) || address.Address.Equals(IPAddress.IPv6Any)
            ? throw new FormatException($"advertise is '{text}', which is no address others can dial; write the host's own")
            : address;
    }

    private static ValueList<string> ReadManagers(JoinJson join)
    {
        if (join.Managers is not { Count: > 0 })
            throw new FormatException("join.managers is empty; write where to join, such as https://10.0.0.1:2400");
        foreach (var manager in join.Managers)
        {
            if (!Uri.TryCreate(manager, UriKind.Absolute, out var uri) || uri.Scheme != Uri.UriSchemeHttps)
                throw new FormatException($"join.managers holds '{manager}'; write addresses such as https://10.0.0.1:2400");
        }
        return join.Managers.ToValueList();
    }
}

internal sealed class ManagerJson
{
    public string? NodeId { get; set; }
    public string? Hostname { get; set; }
    public string? Advertise { get; set; }
    public StoreJson? Store { get; set; }
    public JoinJson? Join { get; set; }
}

internal sealed class StoreJson
{
    public string? Kind { get; set; }
    public string? Postgres { get; set; }
}

internal sealed class JoinJson
{
    public string? Token { get; set; }
    public List<string>? Managers { get; set; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ManagerJson))]
internal sealed partial class ManagerJsonContext : JsonSerializerContext;
