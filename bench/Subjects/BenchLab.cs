using System.Text.Json;
using Berth.Bench.Measure;

namespace Berth.Bench.Subjects;

/// <summary>A lab of its own for one bench run: several hosts on this machine, gone when disposed.</summary>
public sealed class BenchLab : IAsyncDisposable
{
    private static readonly string Root = FindRoot();

    // The last number of this machine's address in every lab.
    private const string MachineNumber = "253";

    private string _managers = "";

    private BenchLab(string name) => Name = name;

    /// <summary>The lab's name, and that of the control group all its hosts live in.</summary>
    public string Name { get; }

    /// <summary>Its hosts, in order; the first runs the manager.</summary>
    public IReadOnlyList<BenchHost> Hosts { get; private set; } = [];

    /// <summary>The native command line, as users have it.</summary>
    public static string Berth => Path.Combine(Root, "bin", "berth");

    /// <summary>The manager's program.</summary>
    public static string Manager => Path.Combine(Root, "bin", "manager", "berth-manager");

    /// <summary>This machine's own address on the lab's switch.</summary>
    public string MachineAddress { get; private set; } = "";

    /// <summary>Brings a lab up. Engines run without live-restore when <paramref name="forSwarm"/>, which refuses it.</summary>
    /// <param name="hosts">How many.</param>
    /// <param name="forSwarm">Whether Docker's own swarm mode is to run there.</param>
    /// <param name="arguments">More for <c>lab up</c>.</param>
    public static async Task<BenchLab> UpAsync(int hosts, bool forSwarm, IReadOnlyList<string>? arguments = null)
    {
        var lab = new BenchLab("bench");
        await Command.RunAsync(Berth, "lab", "down", "--name", lab.Name);
        string[] engine = forSwarm ? ["--live-restore=false"] : [];
        await Command.RunAsync(Berth, ["lab", "up", "--hosts", hosts.ToString(), "--name", lab.Name, .. engine, .. arguments ?? []]);
        await lab.RefreshAsync();
        foreach (var image in new[] { "busybox-1", "busybox-2" })
            await Command.RunAsync(Berth, "lab", "load", "--name", lab.Name, Path.Combine(Root, ".out", "images", image + ".tar"));
        return lab;
    }

    /// <summary>CPU seconds of everything in the lab so far: engines, containers, managers, agents.</summary>
    public double CpuSeconds => CpuClock.OfGroup(Name);

    /// <summary>Asks the lab anew who runs where.</summary>
    public async Task RefreshAsync()
    {
        using var status = JsonDocument.Parse(await Command.RunAsync(Berth, "lab", "status", "--name", Name, "--format", "json"));
        foreach (var host in Hosts)
            host.Engine.Dispose();
        _managers = status.RootElement.GetProperty("berth_host").GetString()!;
        MachineAddress = status.RootElement.GetProperty("subnet").GetString()!.Split('/')[0][..^1] + MachineNumber;
        Hosts = [.. status.RootElement.GetProperty("hosts").EnumerateArray().Select(BenchHost.Read)];
    }

    /// <summary>Runs <c>berth</c> against this lab's manager, or whichever of several answers.</summary>
    public Task<string> BerthAsync(params IEnumerable<string> arguments) => Command.RunAsync(
        Berth, ["--host", Hosts.Count(host => host.IsManager) > 1 ? _managers : "unix://" + Hosts[0].ManagerSocket, .. arguments]);

    /// <summary>Runs a <c>berth lab</c> verb on this lab; the verb comes first.</summary>
    public Task<string> LabAsync(params IEnumerable<string> arguments) =>
        Command.RunAsync(Berth, ["lab", .. arguments.Take(1), "--name", Name, .. arguments.Skip(1)]);

    /// <summary>Removes every container of every host, and waits until the hosts are quiet.</summary>
    public async Task ClearAsync()
    {
        await Task.WhenAll(Hosts.Select(host => host.Engine.ClearAsync()));
        await Task.Delay(TimeSpan.FromSeconds(1));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var host in Hosts)
            host.Engine.Dispose();
        await Command.RunAsync(Berth, "lab", "down", "--name", Name);
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Cluster.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("bench must run from a checkout: no Cluster.sln above " + AppContext.BaseDirectory);
    }
}

/// <summary>One host of a lab, as <c>berth lab status</c> tells it.</summary>
/// <param name="Name">Its host name.</param>
/// <param name="Address">Its address on the lab's switch.</param>
/// <param name="Engine">Its engine.</param>
/// <param name="AgentPid">The agent's process id as this machine sees it; 0 when it does not run.</param>
/// <param name="ManagerPid">The manager's; 0 where there is none.</param>
/// <param name="ManagerSocket">The manager's socket; empty where there is none.</param>
/// <param name="Directory">Its disk and logs, as this machine sees them.</param>
public sealed record BenchHost(string Name, string Address, Engine Engine, int AgentPid, int ManagerPid, string ManagerSocket, string Directory)
{
    /// <summary>Whether a manager is wanted there, whether or not one runs.</summary>
    public bool IsManager => ManagerSocket.Length > 0;

    internal static BenchHost Read(JsonElement host) => new(
        host.GetProperty("name").GetString()!, host.GetProperty("address").GetString()!,
        new Engine(host.GetProperty("engine_socket").GetString()!),
        Number(host, "agent_pid"), Number(host, "manager_pid"),
        host.TryGetProperty("manager_socket", out var socket) ? socket.GetString() ?? "" : "",
        host.GetProperty("directory").GetString()!);

    private static int Number(JsonElement host, string name) =>
        host.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetInt32() : 0;
}
