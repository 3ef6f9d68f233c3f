using System.CommandLine;
using System.Globalization;
using System.Net;

namespace Berth.Cli.Lab;

/// <summary><c>berth lab up</c>.</summary>
internal static class LabUpCommand
{
    private static readonly Option<int?> Hosts = new("--hosts")
    {
        Description = "How many hosts; 3 for a new lab. More than before adds hosts, fewer removes none.",
        HelpName = "number",
        CustomParser = result =>
        {
            if (int.TryParse(result.Tokens[0].Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var hosts))
                return hosts;
            result.AddError($"--hosts '{result.Tokens[0].Value}': write a number of hosts, such as 3");
            return null;
        },
    };
    private static readonly Option<int?> Managers = new("--managers")
    {
        Description = "How many hosts run managers, the first ones; 1 for a new lab. Three or five keep the state in etcd.",
        HelpName = "number",
        CustomParser = result =>
        {
            if (int.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var managers) && managers is 1 or 3 or 5)
                return managers;
            result.AddError($"--managers '{result.Tokens[0].Value}': write 1, 3 or 5");
            return null;
        },
    };
    private static readonly Option<int?> Disk = new("--disk")
    {
        Description = "Managers and etcd get a disk of their own of so many MiB, which 'lab disk' can fill and slow (default: a folder).",
        HelpName = "MiB",
        CustomParser = result =>
        {
            if (int.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var size) && size is >= 64 and <= 16384)
                return size;
            result.AddError($"--disk '{result.Tokens[0].Value}': write a number of MiB from 64 to 16384");
            return null;
        },
    };
    private static readonly Option<bool> Clocks = new("--clocks") { Description = "Managers' and agents' clocks can be set with 'lab clock'; needs libfaketime." };
    private static readonly Option<string?> Subnet = new("--subnet") { Description = "A private /24; the first free one from 10.210.0.0/24 on by default." };
    private static readonly Option<string?> Folder = new("--dir") { Description = $"Where disks, sockets and logs go; {LabStore.Root}/NAME by default." };
    private static readonly Option<bool> Registry = new("--registry") { Description = $"Also an image registry, {ImagePush.Registry} on every host." };
    private static readonly Option<bool> NoBerth = new("--no-berth") { Description = "Engines only: no manager and no agents." };
    private static readonly Option<string[]> EngineArgs = new("--engine-arg") { Description = "An argument for every engine, e.g. --engine-arg=--debug; may be repeated." };
    private static readonly Option<bool?> LiveRestore = new("--live-restore") { Description = "Containers outlive their engine (default true; Docker's own swarm mode needs false)." };

    public static Command Build(Option<string> name)
    {
        var command = new LabVerb("up", "Makes a lab, or makes it whole: missing hosts are added, killed ones turned on, cut links joined.",
            "berth lab up --hosts 3", "berth lab up --hosts 5 --managers 3 --disk 256", "berth lab up --name other --hosts 2 --registry")
        {
            Hosts, Managers, Subnet, Folder, Registry, NoBerth, EngineArgs, LiveRestore, Disk, Clocks,
        };
        command.SetAction((parsed, cancel) => LabCommand.GuardAsync(() => RunAsync(parsed, parsed.GetRequiredValue(name), cancel)));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, string name, CancellationToken cancel)
    {
        var clock = TimeProvider.System;
        var started = clock.GetTimestamp();
        using var held = await LabStore.LockAsync(cancel);
        var wish = new LabWish(name, parsed.GetValue(Hosts), parsed.GetValue(Subnet), parsed.GetValue(Folder), parsed.GetValue(Registry),
            parsed.GetValue(NoBerth), [.. parsed.GetValue(EngineArgs) ?? []], parsed.GetValue(LiveRestore))
        {
            Managers = parsed.GetValue(Managers),
            DiskMegabytes = parsed.GetValue(Disk),
            Clocks = parsed.GetValue(Clocks),
        };
        var existing = LabStore.Find(name);
        var taken = existing is null ? LabStore.TakenNetworks(name) : [];
        var lab = LabUp.Plan(wish, existing, network => WhoHas(network, taken), () => LabNetwork.FirstFree(taken), Binaries(), LabDown.AbsentFolders());
        var up = new LabUp(lab, Console.Error.WriteLine);
        await up.RunAsync(cancel);

        if (wish.Hosts < lab.Hosts)
            await Console.Error.WriteLineAsync($"note: the lab keeps its {lab.Hosts} hosts; to have fewer, take it down first");
        await Console.Error.WriteLineAsync(up.Changes == 0
            ? $"lab '{name}' is up already: {lab.Hosts} hosts, {lab.Network.Address(1)} to {lab.Network.Address(lab.Hosts)}"
            : $"lab '{name}' is up: {lab.Hosts} hosts, {lab.Network.Address(1)} to {lab.Network.Address(lab.Hosts)}, after {clock.GetElapsedTime(started).TotalSeconds:0.0} s");
        if (lab.Berth && !ManagerLink.LeadsTo(lab))
            await Console.Error.WriteLineAsync($"note: plain 'berth' does not speak to this lab; use: export BERTH_HOST={lab.ManagerHosts}");
        return 0;
    }

    private static string? WhoHas(LabNetwork network, IReadOnlyList<(IPAddress Address, int PrefixLength)> taken) =>
        taken.Where(network.Overlaps).Select(other => $"{other.Address}/{other.PrefixLength} is in use on this machine").FirstOrDefault();

    private static string Binaries() =>
        Path.GetFullPath(Environment.GetEnvironmentVariable("BERTH_BIN_DIR") is { Length: > 0 } folder ? folder : AppContext.BaseDirectory);
}
