using System.Collections.Immutable;
using System.Globalization;

namespace Berth.Agent.Network;

/// <summary>One thing to change in a host's network stack. Closed: the cases below are all there are.</summary>
public abstract record HostChange
{
    private HostChange() { }

    /// <summary>The overlay device, with all that is on it.</summary>
    public sealed record Overlay(OverlayDevice? Device) : HostChange;

    /// <summary>An address.</summary>
    public sealed record Address(HostAddress Value, bool IsWanted) : HostChange;

    /// <summary>A route.</summary>
    public sealed record Route(HostRoute Value, bool IsWanted) : HostChange;

    /// <summary>A neighbour.</summary>
    public sealed record Neighbour(HostNeighbour Value, bool IsWanted) : HostChange;

    /// <summary>A forwarding entry.</summary>
    public sealed record Forwarding(HostForwarding Value, bool IsWanted) : HostChange;

    /// <summary>A rule.</summary>
    public sealed record Rule(HostRule Value, bool IsWanted) : HostChange;

    /// <summary>A setting.</summary>
    public sealed record Setting(string Path, string Value) : HostChange;
}

/// <summary>What is to change so that a host has what it is to have. Pure.</summary>
public static class HostDifference
{
    /// <summary>The changes in the order in which they can be made.</summary>
    /// <param name="wanted">What is to be.</param>
    /// <param name="has">What is.</param>
    public static ImmutableArray<HostChange> Between(HostState wanted, HostState has)
    {
        var changes = ImmutableArray.CreateBuilder<HostChange>();
        if (wanted.Overlay != has.Overlay)
        {
            changes.Add(new HostChange.Overlay(wanted.Overlay));
            has = WithoutOverlay(has);
        }
        // What is gone first, rules before the tables they name; what is new in the opposite order, each after what it needs.
        changes.AddRange(has.Rules.Except(wanted.Rules).Select(rule => new HostChange.Rule(rule, false)));
        changes.AddRange(has.Routes.Except(wanted.Routes).Where(route => !IsReplaced(route, wanted)).OrderBy(route => route.Via is null)
            .Select(route => new HostChange.Route(route, false)));
        changes.AddRange(has.Neighbours.Except(wanted.Neighbours).Where(known => !wanted.Neighbours.Any(other => other.Device == known.Device && other.Address.Equals(known.Address)))
            .Select(neighbour => new HostChange.Neighbour(neighbour, false)));
        changes.AddRange(has.Forwarding.Except(wanted.Forwarding).Where(known => wanted.Forwarding.All(other => other.Hardware != known.Hardware))
            .Select(entry => new HostChange.Forwarding(entry, false)));
        changes.AddRange(has.Addresses.Except(wanted.Addresses).Select(address => new HostChange.Address(address, false)));

        changes.AddRange(wanted.Addresses.Except(has.Addresses).Select(address => new HostChange.Address(address, true)));
        changes.AddRange(wanted.Forwarding.Except(has.Forwarding).Select(entry => new HostChange.Forwarding(entry, true)));
        changes.AddRange(wanted.Neighbours.Except(has.Neighbours).Select(neighbour => new HostChange.Neighbour(neighbour, true)));
        changes.AddRange(wanted.Routes.Except(has.Routes).OrderBy(route => route.Via is not null).Select(route => new HostChange.Route(route, true)));
        changes.AddRange(wanted.Rules.Except(has.Rules).Select(rule => new HostChange.Rule(rule, true)));
        changes.AddRange(wanted.Settings.Where(setting => has.Settings.GetValueOrDefault(setting.Key) != setting.Value)
            .OrderBy(setting => setting.Key, StringComparer.Ordinal).Select(setting => new HostChange.Setting(setting.Key, setting.Value)));
        return changes.ToImmutable();
    }

    /// <summary>For people: what changed, counted by kind.</summary>
    public static string Summary(IReadOnlyCollection<HostChange> changes) => string.Join(", ", changes
        .GroupBy(Kind).Select(group => string.Create(CultureInfo.InvariantCulture, $"{group.Count()} {group.Key}")));

    private static string Kind(HostChange change) => change switch
    {
        HostChange.Overlay => $"device {InterfaceNames.Overlay}",
        HostChange.Address => "of addresses",
        HostChange.Route => "of routes",
        HostChange.Neighbour => "of neighbours",
        HostChange.Forwarding => "of forwarding entries",
        HostChange.Rule => "of rules",
        HostChange.Setting setting => $"setting net.ipv4.{setting.Path.Replace('/', '.')}",
        _ => change.GetType().Name,
    };

    // One destination has one route in a table: the new one takes the old one's place without a gap.
    private static bool IsReplaced(HostRoute route, HostState wanted) =>
        wanted.Routes.Any(other => other.Destination.Equals(route.Destination) && other.Table == route.Table);

    private static HostState WithoutOverlay(HostState has) => has with
    {
        Addresses = [.. has.Addresses.Where(address => address.Device != InterfaceNames.Overlay)],
        Routes = [.. has.Routes.Where(route => route.Device != InterfaceNames.Overlay)],
        Neighbours = [.. has.Neighbours.Where(neighbour => neighbour.Device != InterfaceNames.Overlay)],
        Forwarding = [],
        Settings = has.Settings.RemoveRange(has.Settings.Keys.Where(path => path.StartsWith($"conf/{InterfaceNames.Overlay}/", StringComparison.Ordinal))),
    };
}
