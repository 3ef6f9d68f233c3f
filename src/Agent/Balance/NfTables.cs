using System.Collections.Immutable;
using System.Text;
using Berth.Agent.Network.Kernel;

namespace Berth.Agent.Balance;

/// <summary>The kernel's nftables: changed by the program <c>nft</c>, which is exact about what it refuses, and looked at without starting one.</summary>
internal sealed class NfTables(NetlinkSocket socket, HostTools tools) : IDisposable
{
    private const int NoEntry = 2;
    private const ushort TableOfRule = 1;
    private const ushort ChainOfRule = 2;
    private const ushort TableOfElements = 1;
    private const ushort SetOfElements = 2;
    private const ushort Elements = 3;
    private const ushort ElementFlags = 3;
    private const uint IntervalEnd = 1;
    private const ushort GenerationId = 1;

    /// <summary>Runs a transaction: all of it, or nothing.</summary>
    /// <returns>Null, or why it was refused.</returns>
    public async Task<string?> ApplyAsync(string script, CancellationToken cancellation)
    {
        var result = await tools.RunAsync("nft", ["-f", "-"], script, cancellation).ConfigureAwait(false);
        return result switch
        {
            { IsDone: true } => null,
            { Code: ToolResult.NotThere } => $"{result.Errors}; install the package nftables",
            _ => $"nft refused the rules: {FirstLine(result.Errors)}",
        };
    }

    /// <inheritdoc/>
    public void Dispose() => socket.Dispose();

    /// <summary>Grows with every change that anybody makes to any table.</summary>
    public uint Generation()
    {
        uint generation = 0;
        socket.Each(Netfilter.Message(Netfilter.GetGeneration, Flag.Acknowledge), "ask for the ruleset's generation",
            (_, content) => generation = AttributeWalk.Number(AttributeWalk.Find(content[Netfilter.FixedLength..], GenerationId)));
        return generation;
    }

    /// <summary>How much of the table there is.</summary>
    /// <param name="table">Its name.</param>
    /// <param name="sets">The sets to look for.</param>
    public TableCounts Count(string table, IEnumerable<string> sets)
    {
        var rules = ImmutableDictionary.CreateBuilder<string, int>();
        List(Netfilter.Message(Netfilter.GetRules, Flag.Dump).With(TableOfRule, table), "list rules", content =>
        {
            if (Text(AttributeWalk.Find(content, TableOfRule)) != table)
                return;
            var chain = Text(AttributeWalk.Find(content, ChainOfRule));
            rules[chain] = rules.GetValueOrDefault(chain) + 1;
        });
        var elements = ImmutableDictionary.CreateBuilder<string, int>();
        foreach (var set in sets)
        {
            var count = 0;
            var isThere = List(Netfilter.Message(Netfilter.GetElements, Flag.Dump).With(TableOfElements, table).With(SetOfElements, set), $"list set {set}",
                content => count += CountElements(AttributeWalk.Find(content, Elements)));
            if (isThere)
                elements[set] = count;
        }
        return new TableCounts(rules.ToImmutable(), elements.ToImmutable());
    }

    private static int CountElements(ReadOnlySpan<byte> list)
    {
        var count = 0;
        var walk = new AttributeWalk(list);
        while (walk.MoveNext())
        {
            if ((AttributeWalk.Number(AttributeWalk.Find(walk.Value, ElementFlags)) & IntervalEnd) == 0)
                count++;
        }
        return count;
    }

    private delegate void Reader(ReadOnlySpan<byte> attributes);

    // False: there is no such table or set.
    private bool List(NetlinkMessage message, string what, Reader take)
    {
        try
        {
            socket.Each(message, what, (_, content) => take(content[Netfilter.FixedLength..]));
            return true;
        }
        catch (NetlinkException refused) when (refused.Code == NoEntry)
        {
            return false;
        }
    }

    private static string Text(ReadOnlySpan<byte> value) => Encoding.UTF8.GetString(value).TrimEnd('\0');

    private static string FirstLine(string text) => text.Split('\n')[0];
}
