using System.Net;
using Berth.Consul;
using Berth.Telemetry;
using Microsoft.Extensions.Logging;

namespace Berth.Agent.Hosting;

/// <summary>What the agent was started with.</summary>
public sealed record AgentOptions
{
    /// <summary>Managers to dial when none that it was told of answers; none: it waits until it is joined.</summary>
    public IReadOnlyList<Uri> Managers { get; init; } = [];
    /// <summary>Where managers are looked for as well.</summary>
    public IReadOnlyList<ConsulAddress> Consuls { get; init; } = [];
    /// <summary>Data directory.</summary>
    public string Data { get; init; } = "/var/lib/berth/agent";
    /// <summary>Data directory of a manager on this host; beside the agent's when null.</summary>
    public string? ManagerData { get; init; }
    /// <summary>Path of the engine's socket.</summary>
    public string EngineSocket { get; init; } = "/var/run/docker.sock";
    /// <summary>Host name to register with; the host's own when null.</summary>
    public string? Hostname { get; init; }
    /// <summary>Address to register with; the first found when null.</summary>
    public string? Address { get; init; }
    /// <summary>Whether a manager runs beside this agent.</summary>
    public bool IsManager { get; init; }
    /// <summary>A loopback address where metrics are read in the clear; null: only on the socket in <see cref="Data"/>.</summary>
    public IPEndPoint? Metrics { get; init; }
    /// <summary>Least level that is logged.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;
    /// <summary>Whether the log is written for people or for programs.</summary>
    public LogFormat LogFormat { get; init; }

    /// <summary>Printed for <c>--help</c>.</summary>
    public const string Help = """
        berth-agent runs the tasks that a Berth manager gives to this host.

        usage: berth-agent [options]

        Without --manager it waits until this host is joined to a cluster with: berth cluster join

          --manager URL      a manager, https://ADDRESS:PORT or unix:///PATH; may be repeated         BERTH_MANAGER (comma-separated)
                             or where to find some: consul://HOST:8500/SERVICE (docs/consul.md)
          --data DIR         where the agent keeps its state; /var/lib/berth/agent                    BERTH_DATA
          --manager-data DIR where a manager on this host keeps its state; DIR/../manager             BERTH_MANAGER_DATA
          --engine URL       the Docker Engine; unix:///var/run/docker.sock                           BERTH_ENGINE
          --hostname NAME    name to register with; this host's own                                   BERTH_HOSTNAME
          --address IP       address other nodes reach this one at; the first that is not loopback    BERTH_ADDRESS
          --role ROLE        worker or manager; worker                                                BERTH_ROLE
          --metrics ADDRESS  also serve /metrics in the clear, on loopback only; DIR/agent.sock       BERTH_METRICS
          --log-level LEVEL  debug, info, warning or error; info                                      BERTH_LOG_LEVEL
          --log-format FORMAT  text or json; text                                                     BERTH_LOG_FORMAT
          --version          print the version
        """;

    private static readonly string[] Flags = ["--manager", "--data", "--manager-data", "--engine", "--hostname", "--address", "--role", "--metrics", "--log-level", "--log-format"];

    /// <summary>Reads flags, and the environment where a flag is not given.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="environment">A variable's value, or null.</param>
    /// <returns>The options, or every error at once.</returns>
    public static (AgentOptions? Options, IReadOnlyList<string> Errors) Parse(IReadOnlyList<string> arguments, Func<string, string?> environment)
    {
        var errors = new List<string>();
        var given = Flags.ToDictionary(flag => flag, _ => new List<string>());
        for (var at = 0; at < arguments.Count; at++)
        {
            var (flag, value) = Split(arguments[at]);
            if (!given.TryGetValue(flag, out var values))
                errors.Add($"'{arguments[at]}' is not an option of berth-agent; see --help");
            else if (value is not null)
                values.Add(value);
            else if (++at < arguments.Count)
                values.Add(arguments[at]);
            else
                errors.Add($"{flag} needs a value");
        }
        foreach (var flag in Flags.Where(flag => given[flag].Count == 0))
        {
            var variable = "BERTH_" + flag[2..].Replace('-', '_').ToUpperInvariant();
            if (environment(variable) is { Length: > 0 } value)
                given[flag].AddRange(flag == "--manager" ? value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) : [value]);
        }
        var options = Read(given, environment, errors);
        return (errors.Count == 0 ? options : null, errors);
    }

    /// <summary>The log's format as far as it can be told of a line that cannot be followed.</summary>
    public static LogFormat LogFormatOf(IReadOnlyList<string> arguments, Func<string, string?> environment)
    {
        var said = environment("BERTH_LOG_FORMAT");
        for (var at = 0; at < arguments.Count; at++)
        {
            var (flag, value) = Split(arguments[at]);
            if (flag == "--log-format")
                said = value ?? (at + 1 < arguments.Count ? arguments[at + 1] : null);
        }
        return said == "json" ? LogFormat.Json : LogFormat.Text;
    }

    private static AgentOptions Read(Dictionary<string, List<string>> given, Func<string, string?> environment, List<string> errors)
    {
        string? Last(string flag) => given[flag].LastOrDefault();

        var managers = given["--manager"].Where(text => !ConsulAddress.Is(text)).Select(text => Manager(text, errors)).OfType<Uri>().ToList();
        var consuls = given["--manager"].Where(ConsulAddress.Is).Select(text => Consul(text, environment, errors)).OfType<ConsulAddress>().ToList();
        var engine = Last("--engine") ?? "unix:///var/run/docker.sock";
        if (!engine.StartsWith("unix:///", StringComparison.Ordinal))
            errors.Add($"--engine '{engine}' is not a unix socket; write unix:///PATH");
        var role = Last("--role") ?? "worker";
        if (role is not ("worker" or "manager"))
            errors.Add($"--role '{role}' is not known; write worker or manager");
        var defaults = new AgentOptions { Managers = managers };
        return defaults with
        {
            Consuls = consuls,
            Data = Last("--data") ?? defaults.Data,
            ManagerData = Last("--manager-data"),
            EngineSocket = engine.StartsWith("unix://", StringComparison.Ordinal) ? engine["unix://".Length..] : engine,
            Hostname = Last("--hostname"),
            Address = CheckedAddress(Last("--address"), errors),
            IsManager = role == "manager",
            Metrics = Loopback(Last("--metrics"), errors),
            LogLevel = Level(Last("--log-level") ?? "info", errors),
            LogFormat = Format(Last("--log-format") ?? "text", errors),
        };
    }

    private static (string Flag, string? Value) Split(string argument)
    {
        var equals = argument.IndexOf('=', StringComparison.Ordinal);
        return equals < 0 ? (argument, null) : (argument[..equals], argument[(equals + 1)..]);
    }

    private static Uri? Manager(string text, List<string> errors)
    {
        if (Uri.TryCreate(text, UriKind.Absolute, out var uri)
            && ((uri.Scheme == "https" && uri.AbsolutePath == "/") || (uri.Scheme == "unix" && uri.Host.Length == 0 && uri.LocalPath.Length > 1)))
            return uri;
        errors.Add($"--manager '{text}' is not a manager's address; write https://ADDRESS:PORT or unix:///PATH");
        return null;
    }

    private static ConsulAddress? Consul(string text, Func<string, string?> environment, List<string> errors)
    {
        if (ConsulAddress.TryParse(text, environment, out var address, out var problem))
            return address;
        errors.Add($"--manager: {problem}");
        return null;
    }

    private static string? CheckedAddress(string? text, List<string> errors)
    {
        if (text is not null && !System.Net.IPAddress.TryParse(text, out _))
            errors.Add($"--address '{text}' is not an IP address");
        return text;
    }

    private static IPEndPoint? Loopback(string? text, List<string> errors)
    {
        if (text is null)
            return null;
        if (!LoopbackAddress.TryParse(text, out var address, out var error))
            errors.Add($"--metrics: {error}");
        return address;
    }

    private static LogFormat Format(string text, List<string> errors)
    {
        if (text is not ("text" or "json"))
            errors.Add($"--log-format '{text}' is not known; write text or json");
        return text == "json" ? LogFormat.Json : LogFormat.Text;
    }

    private static LogLevel Level(string text, List<string> errors)
    {
        LogLevel? level = text switch
        {
            "debug" => LogLevel.Debug,
            "info" => LogLevel.Information,
            "warning" => LogLevel.Warning,
            "error" => LogLevel.Error,
            _ => null,
        };
        if (level is null)
            errors.Add($"--log-level '{text}' is not known; write debug, info, warning or error");
        return level ?? LogLevel.Information;
    }
}
