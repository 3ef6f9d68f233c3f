using System.Collections.Immutable;
using Berth.Cli.Output;

namespace Berth.Cli.Lab;

/// <summary>What a person asked for on the command line; null where they left it to the lab.</summary>
internal sealed record LabWish(string Name, int? Hosts, string? Subnet, string? Directory, bool Registry, bool NoBerth,
    ImmutableArray<string> EngineArguments, bool? LiveRestore)
{
    public int? Managers { get; init; }

    public int? DiskMegabytes { get; init; }

    public bool Clocks { get; init; }
}

/// <summary>Makes a lab whole: everything that is missing, off, stopped or cut is made, started or joined; the rest is left alone.</summary>
internal sealed class LabUp(LabRecord lab, Action<string> progress)
{
    private static readonly TimeSpan ReadyLimit = TimeSpan.FromSeconds(60);

    /// <summary>Number of things this run had to do.</summary>
    public int Changes { get; private set; }

    public async Task RunAsync(CancellationToken cancel)
    {
        LabPreflight.Check(lab);
        LabStore.Save(lab);
        LabStore.MakePrivate(lab.Directory);
        Directory.CreateDirectory("/etc/docker");
        if (!File.Exists(lab.SwitchNamespace))
            Say($"switch: {lab.Network.Subnet}, this machine is {lab.Network.Machine}");
        await LabSwitch.UpAsync(lab, cancel);
        if (lab.Registry && !LabRegistry.IsRunning(lab))
            Say($"registry: {ImagePush.Registry}");
        if (lab.Registry)
            await LabRegistry.UpAsync(lab, cancel);

        var ports = await LabSwitch.PortsAsync(lab, cancel);
        await Task.WhenAll(lab.Numbers.Select(number => HostAsync(number, ports, cancel)));
        // The cluster forms while engines start: agents join without them, and offer their nodes once they answer.
        await Task.WhenAll([.. lab.Numbers.Select(number => EngineAsync(number, cancel)), lab.Berth ? BerthAsync(cancel) : Task.CompletedTask]);
    }

    private async Task HostAsync(int number, IReadOnlyDictionary<int, bool> ports, CancellationToken cancel)
    {
        if (HostProcesses.Read(lab, number).Init is null)
        {
            Say($"{lab.HostName(number)}: booting at {lab.Network.Address(number)}");
            LabHost.Prepare(lab, number);
            await LabHost.StartAsync(lab, number, cancel);
            return;
        }
        LabHost.WriteHosts(lab, number);
        foreach (var daemon in DaemonScripts.For(lab, number).Where(daemon => !File.Exists(Path.Combine(lab.HostDirectory(number), "daemons", daemon.Name))))
        {
            Say($"{lab.HostName(number)}: adding its {daemon.Name}");
            LabHost.WriteDaemon(lab, number, daemon);
        }
        Resume(number);
        foreach (var stopped in Directory.GetFiles(Path.Combine(lab.HostDirectory(number), "stopped")))
        {
            Say($"{lab.HostName(number)}: starting its {Path.GetFileName(stopped)}");
            File.Delete(stopped);
        }
        if (ports.TryGetValue(number, out var joined) && !joined)
        {
            Say($"{lab.HostName(number)}: joining its link again");
            await LabSwitch.JoinAsync(lab, number, cancel);
        }
    }

    private void Resume(int number)
    {
        var processes = HostProcesses.Read(lab, number);
        foreach (var daemon in Enum.GetValues<Daemon>())
        {
            if (processes[daemon] is not { } id || !HostProcesses.IsStopped(id))
                continue;
            Say($"{lab.HostName(number)}: resuming its {daemon.ToString().ToLowerInvariant()}");
            HostProcesses.Signal(id, HostProcesses.Continue);
        }
    }

    private async Task EngineAsync(int number, CancellationToken cancel)
    {
        using var engine = new EngineClient(lab.EngineSocket(number));
        if (!await Tool.UntilAsync(engine.AnswersAsync, ReadyLimit, cancel))
            throw new UserError($"the engine of {lab.HostName(number)} does not answer: {LabHost.LastLine($"{lab.HostDirectory(number)}/log/engine.log")}",
                $"read {lab.HostDirectory(number)}/log/engine.log");
    }

    private async Task BerthAsync(CancellationToken cancel)
    {
        ManagerLink.Make(lab);
        await new LabCluster(lab, Say).FormAsync(cancel);
        var waiting = "no answer from the managers";
        var isReady = await Tool.UntilAsync(async stop => (waiting = await ReadyNodes.MissingAsync(lab, stop)) is "", ReadyLimit, cancel);
        if (!isReady)
            throw new UserError($"not every node became Ready within {ReadyLimit.TotalSeconds:0} s: {waiting}",
                $"read each host's log/manager.log and log/agent.log in {lab.Directory}");
    }

    private void Say(string line)
    {
        Changes++;
        progress(line);
    }

    /// <summary>The record of the lab to make: the existing one, grown, or a new one on a free network.</summary>
    /// <exception cref="UserError">The wish contradicts the lab that exists, or its network is taken.</exception>
    public static LabRecord Plan(LabWish wish, LabRecord? existing, Func<LabNetwork, string?> whoHas, Func<LabNetwork?> firstFree, string binaries, ImmutableArray<string> madeFolders)
    {
        LabRecord.CheckName(wish.Name);
        if (wish.Hosts is < 1 or > LabNetwork.MostHosts)
            throw new UserError($"a lab cannot have {wish.Hosts} hosts", $"choose 1 to {LabNetwork.MostHosts}", ExitCode.WrongUsage);
        if (wish.Managers is { } managers && (managers is < 1 or > 5 || managers > Math.Max(wish.Hosts ?? 3, Math.Max(existing?.Hosts ?? 0, wish.Hosts is null ? managers : 0))))
            throw new UserError($"a lab of {Math.Max(wish.Hosts ?? 3, existing?.Hosts ?? 0)} hosts cannot have {managers} managers", "choose 1, 3 or 5, and as many hosts at least", ExitCode.WrongUsage);
        if (existing is not null)
        {
            RequireSame(wish, existing);
            return existing with
            {
                Hosts = Math.Max(existing.Hosts, wish.Hosts ?? 0),
                Registry = existing.Registry || wish.Registry,
                Berth = existing.Berth || !wish.NoBerth,
                Managers = Math.Max(existing.Managers, wish.Managers ?? 0),
                Binaries = binaries,
            };
        }
        var network = wish.Subnet is { } subnet ? LabNetwork.Parse(subnet) : firstFree()
            ?? throw new UserError("no free network was found among 10.210.0.0/24 to 10.249.0.0/24", "name one: --subnet 10.X.Y.0/24");
        if (whoHas(network) is { } owner)
            throw new UserError($"the network {network.Subnet} is taken: {owner}", "leave --subnet out to have a free one chosen, or name another");
        return new LabRecord
        {
            Name = wish.Name,
            Subnet = network.Subnet,
            Directory = Path.GetFullPath(wish.Directory ?? LabStore.RecordFolder(wish.Name)),
            Hosts = wish.Hosts ?? Math.Max(3, wish.Managers ?? 0),
            Managers = wish.Managers ?? 1,
            Format = LabRecord.NewestFormat,
            DiskMegabytes = wish.DiskMegabytes ?? 0,
            Clocks = wish.Clocks,
            Registry = wish.Registry,
            Berth = !wish.NoBerth,
            LiveRestore = wish.LiveRestore ?? true,
            EngineArguments = wish.EngineArguments,
            Binaries = binaries,
            MadeFolders = madeFolders,
        };
    }

    private static void RequireSame(LabWish wish, LabRecord lab)
    {
        string? differs =
            lab.Format != LabRecord.NewestFormat ? "another version of berth made it, whose hosts run other scripts" :
            wish.DiskMegabytes is { } disk && disk != lab.DiskMegabytes ? $"its managers' disks have {lab.DiskMegabytes} MiB (0: they are folders)" :
            wish.Clocks && !lab.Clocks ? "its daemons were started without libfaketime" :
            wish.Subnet is { } subnet && subnet != lab.Subnet ? $"its network is {lab.Subnet}" :
            wish.Directory is { } folder && Path.GetFullPath(folder) != lab.Directory ? $"its folder is {lab.Directory}" :
            wish.LiveRestore is { } restore && restore != lab.LiveRestore ? $"its engines run with live-restore={lab.LiveRestore.ToString().ToLowerInvariant()}" :
            !wish.EngineArguments.IsEmpty && !wish.EngineArguments.SequenceEqual(lab.EngineArguments) ? $"its engines run with '{string.Join(' ', lab.EngineArguments)}'" : null;
        if (differs is not null)
            throw new UserError($"lab '{lab.Name}' exists and cannot be changed that way: {differs}",
                $"take it down first: berth lab down --name {lab.Name}; or make another with --name", ExitCode.WrongUsage);
    }
}
