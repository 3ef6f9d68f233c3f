using System.Collections.Immutable;

namespace Berth.Agent.Balance;

/// <summary>The rules by which the host's own firewall (the engine's chains among them) lets pass what Berth's rules let pass. Pure.</summary>
/// <remarks>A packet must be accepted by every table; ours marks what it accepted, and these accept the mark.</remarks>
public static class Firewall
{
    private const string EngineChain = "DOCKER-USER";
    private const string Forward = "FORWARD";
    private const string Input = "INPUT";

    /// <summary>Chains that lack the rule.</summary>
    /// <param name="rules">The filter table, as <c>iptables -S</c> prints it.</param>
    /// <param name="settings">Numbers.</param>
    public static ImmutableArray<string> Missing(string rules, BalanceSettings settings)
    {
        var lines = rules.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        // The engine puts its jumps first whenever it starts; its own chain for users is before all of them, where it is in use.
        var isEngines = lines.Contains($"-N {EngineChain}") && lines.Any(line => line.StartsWith($"-A {Forward} ", StringComparison.Ordinal)
            && line.EndsWith($"-j {EngineChain}", StringComparison.Ordinal));
        return
        [
            .. from chain in new[] { isEngines ? EngineChain : Forward, Input }
               where !lines.Contains($"-A {chain} {string.Join(' ', Rule(settings))}")
               select chain,
        ];
    }

    /// <summary>Arguments of <c>iptables</c> that put the rule before all others of a chain.</summary>
    public static IReadOnlyList<string> Insertion(string chain, BalanceSettings settings) => ["-w", "5", "-I", chain, "1", .. Rule(settings)];

    private static string[] Rule(BalanceSettings settings)
    {
        // As iptables prints it: without leading zeros.
        var mark = "0x" + settings.AcceptMark.ToString("x", System.Globalization.CultureInfo.InvariantCulture);
        return ["-m", "mark", "--mark", $"{mark}/{mark}", "-j", "ACCEPT"];
    }
}
