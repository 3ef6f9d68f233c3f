using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Berth.Cli.Output;

namespace Berth.Cli.Lab;

/// <summary>
/// What a lab is, as written to disk before each step that makes something of it. Whatever the lab has on this machine
/// can be found from this record, so a lab that was interrupted half-way can be taken down.
/// </summary>
internal sealed partial record LabRecord
{
    /// <summary>Interface names hold 15 characters and "lab-" comes before it.</summary>
    private const int LongestName = 11;

    public required string Name { get; init; }

    public required string Subnet { get; init; }

    /// <summary>Where the hosts' disks, sockets and logs are.</summary>
    public required string Directory { get; init; }

    public required int Hosts { get; init; }

    public bool Registry { get; init; }

    /// <summary>Whether managers and agents run in the hosts, or only engines.</summary>
    public bool Berth { get; init; } = true;

    /// <summary>How many hosts, the first ones, were asked to run managers.</summary>
    public int Managers { get; init; } = 1;

    /// <summary>Which version of labs made it; hosts of an earlier one run scripts that this one does not know.</summary>
    public int Format { get; init; }

    /// <summary>The format of labs that this version makes.</summary>
    public const int NewestFormat = 2;

    /// <summary>Size in MiB of the small disk that managers and etcd have on each host, so that it can be filled and slowed; 0 for a folder.</summary>
    public int DiskMegabytes { get; init; }

    /// <summary>Whether the clocks that managers and agents see can be set.</summary>
    public bool Clocks { get; init; }

    public bool LiveRestore { get; init; } = true;

    public ImmutableArray<string> EngineArguments { get; init; } = [];

    /// <summary>Where berth-agent and manager/berth-manager are.</summary>
    public required string Binaries { get; init; }

    /// <summary>Folders of this machine that engines in hosts make or need, and that were not there before the lab.</summary>
    public ImmutableArray<string> MadeFolders { get; init; } = [];

    [JsonIgnore]
    public LabNetwork Network => LabNetwork.Parse(Subnet);

    /// <summary>Every host's manager socket, as <c>--host</c> takes them; where there is no manager there is no socket.</summary>
    [JsonIgnore]
    public string ManagerHosts => string.Join(',', Numbers.Select(number => "unix://" + ManagerSocket(number)));

    [JsonIgnore]
    public string SwitchNamespace => Path.Combine(Directory, "net", "switch");

    /// <summary>The interface that this machine has in the lab.</summary>
    [JsonIgnore]
    public string MachineLink => "lab-" + Name;

    /// <summary>Where a host's manager listens, when it has one.</summary>
    public string ManagerSocket(int number) => Path.Combine(HostDirectory(number), "manager.sock");

    public string ManagerUrl(int number) => $"https://{Network.Address(number)}:2400";

    /// <summary>Says that a manager is wanted on a host.</summary>
    public string ManagerConfig(int number) => Path.Combine(HostDirectory(number), "manager", "manager.json");

    /// <summary>Says that an etcd member is wanted on a host.</summary>
    public string EtcdConfig(int number) => Path.Combine(HostDirectory(number), "etcd", "etcd.yml");

    public string HostNamespace(int number) => Path.Combine(Directory, "net", Number(number));

    public string HostDirectory(int number) => Path.Combine(Directory, "h" + Number(number));

    public string HostName(int number) => Name + Number(number);

    public string EngineSocket(int number) => Path.Combine(HostDirectory(number), "docker.sock");

    public string EngineCgroup(int number) => $"{Name}/{Number(number)}/engine";

    public string SwitchCgroup => $"{Name}/switch";

    public IEnumerable<int> Numbers => Enumerable.Range(1, Hosts);

    /// <summary>The number of a host given as <c>berth2</c> or <c>2</c>.</summary>
    /// <exception cref="UserError">The lab has no such host.</exception>
    public int HostNumber(string host)
    {
        var text = host.StartsWith(Name, StringComparison.Ordinal) ? host[Name.Length..] : host;
        return int.TryParse(text, out var number) && number >= 1 && number <= Hosts
            ? number
            : throw new UserError($"lab '{Name}' has no host '{host}'; it has {HostName(1)} to {HostName(Hosts)}",
                $"name one of them, or add hosts: berth lab up --name {Name} --hosts N", ExitCode.WrongUsage);
    }

    /// <exception cref="UserError">The name cannot be used for interfaces, host names and cgroups.</exception>
    public static void CheckName(string name)
    {
        if (name.Length > LongestName || !NamePattern().IsMatch(name))
            throw new UserError($"'{name}' cannot be a lab's name: hosts and interfaces are named after it",
                $"use at most {LongestName} lower-case letters, digits and dashes that begin and end with a letter", ExitCode.WrongUsage);
    }

    public string ToJson() => JsonSerializer.Serialize(this, LabJson.Default.LabRecord);

    public static LabRecord FromJson(string json) =>
        JsonSerializer.Deserialize(json, LabJson.Default.LabRecord) ?? throw new JsonException("the file holds no lab");

    private static string Number(int number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);

    [GeneratedRegex("^[a-z]([a-z0-9-]*[a-z])?$")]
    private static partial Regex NamePattern();
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(LabRecord))]
[JsonSerializable(typeof(LabStatus))]
[JsonSerializable(typeof(IReadOnlyList<LabSummary>))]
internal sealed partial class LabJson : JsonSerializerContext;
