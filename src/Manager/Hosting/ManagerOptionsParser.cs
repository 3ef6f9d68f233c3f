using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Berth.Consul;
using Berth.Telemetry;
using Microsoft.Extensions.Logging;

namespace Berth.Manager.Hosting;

/// <summary>Reads the manager's command line and environment; reports every problem at once.</summary>
public static class ManagerOptionsParser
{
    /// <summary>What <c>--help</c> prints.</summary>
    public const string Help = """
        berth-manager keeps a cluster's wanted state, decides, and tells agents.

        Usage: berth-manager [options]
               berth-manager inspect|restore FILE [options], berth-manager recover [options]   (--help there says more)

          --data DIR           where the state is kept (default /var/lib/berth/manager)
          --listen URL         unix:///PATH, or http://IP:PORT together with --lab; may be given several times
                               (default unix:///run/berth/manager.sock)
          --lab                allow addresses in the clear, where nobody has to prove who he is: for labs only
          --heartbeat TIME     between two heartbeats of an agent (default 1s)
          --down-after TIME    silence after which a node is down, at least twice --heartbeat (default 3s)
          --start-grace TIME   after the start, nodes not heard of yet are left alone for so long (default 10s)
          --metrics ADDRESS    also serve /metrics in the clear, on loopback only, such as 127.0.0.1:2410 (default: only at
                               the manager's own addresses, to who may read)
          --consul URL         register in Consul, so that others find this manager: consul://HOST:8500/SERVICE (docs/consul.md)
          --log-level LEVEL    trace, debug, information, warning, error or critical (default information)
          --log-format FORMAT  text, for people, or json, for programs (default text)
          --version            print the version
          --help               print this

        Each option can also be given in the environment: BERTH_MANAGER_DATA, BERTH_MANAGER_LISTEN (separated by commas),
        BERTH_MANAGER_LAB (true), and so on. The command line wins.

        Example: berth-manager --data /srv/berth --listen unix:///run/berth/manager.sock
        """;

    private static readonly string[] Valued = ["data", "listen", "heartbeat", "down-after", "start-grace", "metrics", "consul", "log-level", "log-format"];

    /// <summary>Reads a command line.</summary>
    /// <param name="arguments">Without the program's name.</param>
    /// <param name="environment">The value of an environment variable; null when it is not set.</param>
    /// <param name="version">What <c>--version</c> prints.</param>
    public static ManagerCommandLine Parse(IReadOnlyList<string> arguments, Func<string, string?> environment, string version)
    {
        var problems = new List<string>();
        var given = Gather(arguments, environment, problems);
        if (given.ContainsKey("help"))
            return new ManagerCommandLine(null, Help, []);
        if (given.ContainsKey("version"))
            return new ManagerCommandLine(null, $"berth-manager {version}", []);

        var defaults = new ManagerOptions();
        var options = defaults with
        {
            Directory = Directory(given, defaults.Directory, problems),
            IsLab = given.TryGetValue("lab", out var lab) && lab[0] is "" or "true" or "1",
            Listen = Listen(given, defaults.Listen, problems),
            Heartbeat = Span(given, "heartbeat", defaults.Heartbeat, problems),
            DownAfter = Span(given, "down-after", defaults.DownAfter, problems),
            StartGrace = Span(given, "start-grace", defaults.StartGrace, problems),
            Metrics = Metrics(given, problems),
            Consul = Consul(given, environment, problems),
            LogLevel = Level(given, defaults.LogLevel, problems),
            LogFormat = Format(given, problems),
        };
        problems.AddRange(Contradictions(options));
        return new ManagerCommandLine(problems.Count == 0 ? options : null, null, [.. problems]) { LogFormat = options.LogFormat };
    }

    private static Dictionary<string, List<string>> Gather(
        IReadOnlyList<string> arguments, Func<string, string?> environment, List<string> problems)
    {
        var given = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        for (var at = 0; at < arguments.Count; at++)
        {
            var parts = arguments[at].Split('=', 2);
            var name = parts[0].StartsWith("--", StringComparison.Ordinal) ? parts[0][2..] : "";
            if (name is "lab" or "help" or "version" && parts.Length == 1)
                Add(given, name, "");
            else if (!Valued.Contains(name))
                problems.Add($"'{arguments[at]}' is not an option; run berth-manager --help");
            else if (parts.Length == 2)
                Add(given, name, parts[1]);
            else if (at + 1 < arguments.Count)
                Add(given, name, arguments[++at]);
            else
                problems.Add($"--{name} needs a value; run berth-manager --help");
        }
        foreach (var name in Valued.Append("lab").Where(name => !given.ContainsKey(name)))
        {
            if (environment($"BERTH_MANAGER_{name.ToUpperInvariant().Replace('-', '_')}") is { Length: > 0 } value)
                given[name] = name == "listen" ? [.. value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)] : [value];
        }
        foreach (var (name, values) in given)
        {
            if (values.Count > 1 && name != "listen")
                problems.Add($"--{name} is given {values.Count} times; give it once");
        }
        return given;
    }

    private static void Add(Dictionary<string, List<string>> given, string name, string value)
    {
        if (!given.TryGetValue(name, out var values))
            given[name] = values = [];
        values.Add(value);
    }

    private static string Directory(Dictionary<string, List<string>> given, string fallback, List<string> problems)
    {
        if (!given.TryGetValue("data", out var values))
            return fallback;
        if (values[0].Length == 0)
            problems.Add("--data is empty; write a directory");
        return values[0].Length == 0 ? fallback : Path.GetFullPath(values[0]);
    }

    private static ImmutableArray<ListenAddress> Listen(
        Dictionary<string, List<string>> given, ImmutableArray<ListenAddress> fallback, List<string> problems)
    {
        if (!given.TryGetValue("listen", out var texts))
            return fallback;
        var addresses = ImmutableArray.CreateBuilder<ListenAddress>();
        foreach (var text in texts)
        {
            if (!ListenAddress.TryParse(text, out var address, out var error))
                problems.Add($"--listen: {error}");
            else if (addresses.Contains(address))
                problems.Add($"--listen: '{text}' is given twice");
            else
                addresses.Add(address);
        }
        // A server that is told of no address would choose one itself, and a network one at that.
        if (texts.Count == 0)
            problems.Add("--listen: no address is given; write unix:///PATH, or leave it out");
        return addresses.DrainToImmutable();
    }

    private static IPEndPoint? Metrics(Dictionary<string, List<string>> given, List<string> problems)
    {
        if (!given.TryGetValue("metrics", out var values))
            return null;
        if (!LoopbackAddress.TryParse(values[0], out var address, out var error))
            problems.Add($"--metrics: {error}");
        return address;
    }

    private static TimeSpan Span(Dictionary<string, List<string>> given, string name, TimeSpan fallback, List<string> problems)
    {
        if (!given.TryGetValue(name, out var values))
            return fallback;
        if (ReadSpan(values[0]) is { } span)
            return span;
        problems.Add($"--{name}: '{values[0]}' is not a time; write a number with ms, s, m or h, such as 1500ms or 3s, greater than 0");
        return fallback;
    }

    private static TimeSpan? ReadSpan(string text)
    {
        (string Unit, double Milliseconds)[] units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];
        foreach (var (unit, milliseconds) in units)
        {
            if (!text.EndsWith(unit, StringComparison.Ordinal))
                continue;
            return double.TryParse(text[..^unit.Length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
                && number * milliseconds is >= 1 and <= 86_400_000
                ? TimeSpan.FromMilliseconds(number * milliseconds)
                : null;
        }
        return null;
    }

    private static ConsulAddress? Consul(Dictionary<string, List<string>> given, Func<string, string?> environment, List<string> problems)
    {
        if (!given.TryGetValue("consul", out var values) || values[0].Length == 0)
            return null;
        if (ConsulAddress.TryParse(values[0], environment, out var address, out var problem))
            return address;
        problems.Add($"--consul: {problem}");
        return null;
    }

    private static LogLevel Level(Dictionary<string, List<string>> given, LogLevel fallback, List<string> problems)
    {
        if (!given.TryGetValue("log-level", out var values))
            return fallback;
        if (!int.TryParse(values[0], NumberStyles.Integer, CultureInfo.InvariantCulture, out _) && Enum.TryParse<LogLevel>(values[0], ignoreCase: true, out var level))
            return level;
        problems.Add($"--log-level: '{values[0]}' is not a level; write trace, debug, information, warning, error or critical");
        return fallback;
    }

    private static LogFormat Format(Dictionary<string, List<string>> given, List<string> problems)
    {
        if (!given.TryGetValue("log-format", out var values) || values[0] is "text")
            return LogFormat.Text;
        if (values[0] is not "json")
            problems.Add($"--log-format: '{values[0]}' is not a format; write text or json");
        return LogFormat.Json;
    }

    private static IEnumerable<string> Contradictions(ManagerOptions options)
    {
        foreach (var network in options.Listen.OfType<ListenAddress.Network>().Where(_ => !options.IsLab))
        {
            yield return $"--listen {network}: nobody has to prove who he is at an address in the clear; leave it out, since a manager of a cluster (berth cluster init) listens over TLS by itself, or add --lab in a lab that nobody else can reach";
        }
        if (options.DownAfter < 2 * options.Heartbeat)
        {
            yield return $"--down-after ({options.DownAfter.TotalSeconds} s) must be at least twice --heartbeat ({options.Heartbeat.TotalSeconds} s); raise the one or lower the other";
        }
        if (options.StartGrace < options.DownAfter)
            yield return $"--start-grace ({options.StartGrace.TotalSeconds} s) must not be below --down-after ({options.DownAfter.TotalSeconds} s); raise it";
    }
}
