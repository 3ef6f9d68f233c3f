using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Berth.Model;

namespace Berth.Agent.Balance;

/// <summary>Berth's nftables table of a host, as text: what hardly ever changes, elements of its sets, and one chain for each
/// virtual address and published port.</summary>
/// <remarks>Two of them are compared, and one transaction makes one into the other; it costs what changed.</remarks>
public sealed record Ruleset
{
    // nft reads a line of any length, but its errors name lines.
    private const int ElementsPerLine = 200;

    /// <summary>The table's family and name, such as <c>ip berth</c>.</summary>
    public required string Table { get; init; }

    /// <summary>Its sets and maps.</summary>
    public required ImmutableArray<SetDeclaration> Sets { get; init; }

    /// <summary>Chains that the kernel enters by itself.</summary>
    public required ImmutableArray<BaseChain> BaseChains { get; init; }

    /// <summary>Elements by set, then by key; a value is empty where the set is no map.</summary>
    public required ImmutableDictionary<string, ImmutableDictionary<string, string>> Elements { get; init; }

    /// <summary>Chains that elements of maps lead to: their rules by name.</summary>
    public required ImmutableDictionary<string, ValueList<string>> Chains { get; init; }

    /// <summary>Whether both have the same parts that only a whole replacement changes.</summary>
    public bool HasSameFrame(Ruleset other) =>
        Table == other.Table && Sets.SequenceEqual(other.Sets) && BaseChains.SequenceEqual(other.BaseChains);

    /// <summary>A transaction that makes the table from whatever is there. Connections live on: the kernel keeps their translation elsewhere.</summary>
    public string Everything()
    {
        var text = new StringBuilder();
        text.Append("add table ").AppendLine(Table).Append("delete table ").AppendLine(Table).Append("add table ").AppendLine(Table);
        foreach (var set in Sets)
            text.Append(CultureInfo.InvariantCulture, $"add {set.Kind} {Table} {set.Name} {{ {set.Type} }}").AppendLine();
        foreach (var chain in BaseChains)
        {
            text.Append("add chain ").Append(Table).Append(' ').Append(chain.Name).Append(" { ").Append(chain.Hook).AppendLine(" }");
            AddRules(text, chain.Name, chain.Rules);
        }
        AddChanges(text, null);
        return text.ToString();
    }

    /// <summary>A transaction that removes the table.</summary>
    public static string Nothing(string table) => $"add table {table}\ndelete table {table}\n";

    /// <summary>A transaction that makes <paramref name="from"/> into <paramref name="to"/>; empty when they are equal.</summary>
    public static string Difference(Ruleset from, Ruleset to)
    {
        if (!from.HasSameFrame(to))
            return to.Everything();
        var text = new StringBuilder();
        to.AddChanges(text, from);
        return text.ToString();
    }

    /// <summary>How many rules each chain has, and how many elements each set: what the kernel is asked for to see whether all is there.</summary>
    public TableCounts Counts() => new(
        BaseChains.Select(chain => KeyValuePair.Create(chain.Name, chain.Rules.Count))
            .Concat(Chains.Select(chain => KeyValuePair.Create(chain.Key, chain.Value.Count))).ToImmutableDictionary(),
        Sets.ToImmutableDictionary(set => set.Name, set => Elements.GetValueOrDefault(set.Name)?.Count ?? 0));

    // Chains come before the elements that lead to them, and go after.
    private void AddChanges(StringBuilder text, Ruleset? from)
    {
        foreach (var (name, rules) in Chains)
        {
            var isNew = from is null || !from.Chains.TryGetValue(name, out var before);
            if (!isNew && from!.Chains[name] == rules)
                continue;
            text.Append(isNew ? "add chain " : "flush chain ").Append(Table).Append(' ').AppendLine(name);
            AddRules(text, name, rules);
        }
        foreach (var set in Sets.Select(set => set.Name))
        {
            var now = Elements.GetValueOrDefault(set, ImmutableDictionary<string, string>.Empty);
            var before = from?.Elements.GetValueOrDefault(set) ?? ImmutableDictionary<string, string>.Empty;
            if (ReferenceEquals(now, before))
                continue;
            ChangeElements(text, "delete", set, before.Where(element => !now.TryGetValue(element.Key, out var value) || value != element.Value));
            ChangeElements(text, "add", set, now.Where(element => !before.TryGetValue(element.Key, out var value) || value != element.Value));
        }
        if (from is null)
            return;
        foreach (var name in from.Chains.Keys.Where(name => !Chains.ContainsKey(name)))
            text.Append("flush chain ").Append(Table).Append(' ').AppendLine(name).Append("delete chain ").Append(Table).Append(' ').AppendLine(name);
    }

    private void AddRules(StringBuilder text, string chain, ValueList<string> rules)
    {
        foreach (var rule in rules)
            text.Append("add rule ").Append(Table).Append(' ').Append(chain).Append(' ').AppendLine(rule);
    }

    private void ChangeElements(StringBuilder text, string verb, string set, IEnumerable<KeyValuePair<string, string>> elements)
    {
        foreach (var line in elements.Chunk(ElementsPerLine))
        {
            text.Append(verb).Append(" element ").Append(Table).Append(' ').Append(set).Append(" { ");
            text.AppendJoin(", ", line.Select(element => element.Value.Length == 0 ? element.Key : $"{element.Key} : {element.Value}"));
            text.AppendLine(" }");
        }
    }
}

/// <summary>A set or a map.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind"><c>set</c> or <c>map</c>.</param>
/// <param name="Type">Of its elements, such as <c>type ipv4_addr;</c>.</param>
public sealed record SetDeclaration(string Name, string Kind, string Type);

/// <summary>A chain that the kernel enters by itself.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Hook">Where and when, such as <c>type filter hook input priority filter - 10; policy accept;</c>.</param>
/// <param name="Rules">Its rules, in order.</param>
public sealed record BaseChain(string Name, string Hook, ValueList<string> Rules);

/// <summary>The size of everything in a table.</summary>
/// <param name="Rules">Rules by chain.</param>
/// <param name="Elements">Elements by set.</param>
public sealed record TableCounts(ImmutableDictionary<string, int> Rules, ImmutableDictionary<string, int> Elements)
{
    /// <summary>What <paramref name="found"/> lacks or has too much, for people; empty when it is all there and nothing else.</summary>
    public ImmutableArray<string> Lost(TableCounts found) =>
    [
        .. from chain in Rules
           let there = found.Rules.TryGetValue(chain.Key, out var count) ? count : (int?)null
           where there != chain.Value
           orderby chain.Key
           select there is null ? $"chain {chain.Key}" : $"chain {chain.Key} has {there} rules instead of {chain.Value}",
        .. from set in Elements
           let there = found.Elements.TryGetValue(set.Key, out var count) ? count : (int?)null
           where there != set.Value
           orderby set.Key
           select there is null ? $"set {set.Key}" : $"set {set.Key} has {there} elements instead of {set.Value}",
    ];
}
