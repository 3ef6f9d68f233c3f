using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Berth.Agent.Network;
using Berth.Model;
using Berth.Model.Networks;

namespace Berth.Agent.Names;

/// <summary>What to do with a question.</summary>
/// <param name="IsForwarded">It is not ours: the host's own servers know.</param>
/// <param name="Code">0, or why there is no answer.</param>
/// <param name="Records">The answer; empty with code 0 for a name that exists and has nothing of what was asked for.</param>
internal readonly record struct NameAnswer(bool IsForwarded, byte Code, ImmutableArray<DnsRecord> Records)
{
    private const string Tasks = "tasks.";
    private const string Reversed = ".in-addr.arpa";
    private const int SlotDigits = 9;

    private static NameAnswer Forwarded { get; } = new(IsForwarded: true, DnsCode.Done, []);
    private static NameAnswer Unknown { get; } = new(IsForwarded: false, DnsCode.NoSuchName, []);

    /// <summary>Answers a question. Pure: only names of the asker's own networks, and of nodes, are known.</summary>
    /// <param name="table">All names.</param>
    /// <param name="asker">Who asks.</param>
    /// <param name="name">In lower case, without the last dot.</param>
    /// <param name="type">Of <see cref="DnsCode"/>.</param>
    /// <param name="random">Gives the order of addresses.</param>
    public static NameAnswer Of(NameTable table, Asker asker, string name, ushort type, Random random)
    {
        if (name.EndsWith(Reversed, StringComparison.Ordinal))
            return OfAddress(table, asker, name, type);
        var isKnown = false;
        foreach (var network in asker.Networks)
        {
            if (Look(table, asker, network, name) is not { } found)
                continue;
            isKnown = true;
            var records = Asked(found, type);
            if (records.Length > 0)
                return new NameAnswer(IsForwarded: false, DnsCode.Done, Shuffled(records, random));
        }
        if (isKnown)
            return new NameAnswer(IsForwarded: false, DnsCode.Done, []);
        if (table.Node(name) is { } node)
            return new NameAnswer(IsForwarded: false, DnsCode.Done, Asked([new DnsRecord(node)], type));
        return IsOutside(table, asker, name) ? Forwarded : Unknown;
    }

    // A name of one label never leaves the host, and neither does one that means something in another network.
    private static bool IsOutside(NameTable table, Asker asker, string name)
    {
        if (!asker.MayLeave || table.IsKnown(name))
            return false;
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        var isPart = name.StartsWith(Tasks, StringComparison.Ordinal) || IsSlot(name, dot, out _);
        var service = isPart ? name[(dot + 1)..] : name;
        return name.Length == 0 || service.Contains('.', StringComparison.Ordinal) && !(isPart && table.IsKnown(service));
    }

    private static bool IsSlot(string name, int dot, out int slot)
    {
        slot = 0;
        return dot is > 0 and <= SlotDigits && int.TryParse(name.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out slot);
    }

    private static ImmutableArray<DnsRecord> Asked(ImmutableArray<DnsRecord> found, ushort type) =>
        type == DnsCode.Any ? found : [.. found.Where(record => record.Type == type)];

    private static ImmutableArray<DnsRecord> Shuffled(ImmutableArray<DnsRecord> records, Random random)
    {
        if (records.Length < 2)
            return records;
        var order = records.ToArray();
        random.Shuffle(order);
        return [.. order];
    }

    // Null: there is no such name in this network.
    private static ImmutableArray<DnsRecord>? Look(NameTable table, Asker asker, NetworkId network, string name)
    {
        if (Services(table, asker, network, name) is { IsEmpty: false } named)
            return Addresses(named.SelectMany(service => service.Vip is { } vip ? [vip] : TasksOf(table, service, network)));
        if (name.StartsWith(Tasks, StringComparison.Ordinal))
            return Services(table, asker, network, name[Tasks.Length..]) is { IsEmpty: false } all
                ? Addresses(all.SelectMany(service => TasksOf(table, service, network))) : null;
        if (name.StartsWith('_'))
            return Servers(table, asker, network, name);
        return OfTask(table, asker, network, name);
    }

    // A name that several stacks have means one's own stack's.
    private static ImmutableArray<NamedService> Services(NameTable table, Asker asker, NetworkId network, string name)
    {
        var found = table.Find(network, name);
        if (found.Length < 2 || asker.Stack is null)
            return found;
        var own = found.Where(service => service.Service.Stack == asker.Stack).ToImmutableArray();
        return own.IsEmpty ? found : own;
    }

    private static IEnumerable<IPAddress> TasksOf(NameTable table, NamedService service, NetworkId network) =>
        table.Tasks(service.Service, network).Select(task => task.Address);

    private static ImmutableArray<DnsRecord> Addresses(IEnumerable<IPAddress> addresses) => [.. addresses.Select(address => new DnsRecord(address))];

    // SLOT.NAME, or NAME.SLOT.TASK as Docker calls the container.
    private static ImmutableArray<DnsRecord>? OfTask(NameTable table, Asker asker, NetworkId network, string name)
    {
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        if (dot <= 0)
            return null;
        ImmutableArray<DnsRecord> found = [];
        if (IsSlot(name, dot, out var slot))
        {
            found = Addresses(Services(table, asker, network, name[(dot + 1)..])
                .SelectMany(service => table.Tasks(service.Service, network)).Where(task => task.Backend.Slot == slot).Select(task => task.Address));
        }
        else if (name.LastIndexOf('.') is var last && name.LastIndexOf('.', last - 1) is var before and > 0 && TaskId.TryParse(name[(last + 1)..], out var id))
        {
            found = Addresses(table.Find(network, name[..before])
                .SelectMany(service => table.Tasks(service.Service, network)).Where(task => task.Backend.TaskId == id).Select(task => task.Address));
        }
        return found.IsEmpty ? null : found;
    }

    // _PORT._PROTOCOL.NAME: one server for a virtual address, else one for each task.
    private static ImmutableArray<DnsRecord>? Servers(NameTable table, Asker asker, NetworkId network, string name)
    {
        var parts = name.Split('.', 3);
        if (parts.Length < 3 || parts[1] is not ['_', .. var protocol])
            return null;
        ImmutableArray<DnsRecord> servers =
        [
            .. from service in Services(table, asker, network, parts[2])
               from port in service.Service.Published
               where $"_{port.Name}".Equals(parts[0], StringComparison.OrdinalIgnoreCase) && port.Protocol.ToString().Equals(protocol, StringComparison.OrdinalIgnoreCase)
               from target in service.Vip is not null ? [parts[2]] : table.Tasks(service.Service, network).Select(task => NameTable.TaskName(service.Service, task.Backend))
               where DnsReply.CanHold(target)
               select new DnsRecord(null, target, port.Target),
        ];
        return servers.IsEmpty ? null : servers;
    }

    private static NameAnswer OfAddress(NameTable table, Asker asker, string name, ushort type)
    {
        var parts = name[..^Reversed.Length].Split('.');
        Array.Reverse(parts);
        if (parts.Length != 4 || !IPAddress.TryParse(string.Join('.', parts), out var address) || !table.Pool.Contains(address))
            return asker.MayLeave ? Forwarded : Unknown;
        ImmutableArray<DnsRecord> names =
            [.. table.NamesOf(address, asker.Networks).Where(DnsReply.CanHold).Take(1).Select(known => new DnsRecord(null, known))];
        return names.IsEmpty ? Unknown : new NameAnswer(IsForwarded: false, DnsCode.Done, Asked(names, type));
    }
}
