using System.Text.RegularExpressions;

namespace Berth.Tests.Agent.Balance;

/// <summary>A table as nft keeps it, as far as our transactions go: refuses what the kernel would refuse.</summary>
public sealed partial class KernelModel
{
    public SortedDictionary<string, List<string>> Chains { get; } = new(StringComparer.Ordinal);
    public SortedDictionary<string, SortedDictionary<string, string>> Sets { get; } = new(StringComparer.Ordinal);
    private bool _isThere;

    public int Lines { get; private set; }

    public void Run(string script)
    {
        Lines = 0;
        foreach (var line in script.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            Lines++;
            Run(Command().Match(line) is { Success: true } match ? match : throw new InvalidOperationException($"not understood: {line}"));
        }
    }

    public string Text() =>
        string.Join('\n', Chains.Select(chain => $"{chain.Key}: {string.Join(" | ", chain.Value)}")
            .Concat(Sets.Select(set => $"{set.Key} = {string.Join(", ", set.Value.Select(element => $"{element.Key} : {element.Value}"))}")));

    private void Run(Match match)
    {
        var (verb, what, name, rest) = (match.Groups["verb"].Value, match.Groups["what"].Value, match.Groups["name"].Value, match.Groups["rest"].Value);
        switch (verb, what)
        {
            case ("add", "table"): _isThere = true; break;
            case ("delete", "table") when _isThere: (_isThere, _) = (false, 0); Chains.Clear(); Sets.Clear(); break;
            case ("add", "set" or "map"): Sets.TryAdd(name, new(StringComparer.Ordinal)); break;
            case ("add", "chain"): Chains.TryAdd(name, []); break;
            case ("flush", "chain"): Chains[name].Clear(); break;
            case ("delete", "chain"):
                if (Chains[name].Count > 0 || Sets.Values.Any(set => set.ContainsValue($"goto {name}")))
                    throw new InvalidOperationException($"{name} is in use");
                Chains.Remove(name);
                break;
            case ("add", "rule"): Chains[name].Add(rest); break;
            case ("add" or "delete", "element"): Change(verb, Sets[name], rest); break;
            default: throw new InvalidOperationException($"not understood: {match.Value}");
        }
    }

    private void Change(string verb, SortedDictionary<string, string> set, string rest)
    {
        foreach (var element in rest.Trim('{', '}', ' ').Split(", "))
        {
            var parts = element.Split(" : ");
            var value = parts.ElementAtOrDefault(1) ?? "";
            if (value.StartsWith("goto ", StringComparison.Ordinal) && !Chains.ContainsKey(value["goto ".Length..]))
                throw new InvalidOperationException($"no chain for {element}");
            if (verb == "delete" ? !set.Remove(parts[0]) : !set.TryAdd(parts[0], value))
                throw new InvalidOperationException($"cannot {verb} {element}");
        }
    }

    [GeneratedRegex(@"^(?<verb>add|delete|flush) (?<what>table|set|map|chain|rule|element) ip \w+( (?<name>[\w.]+))?( (?<rest>.+))?$")]
    private static partial Regex Command();
}
