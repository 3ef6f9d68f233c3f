using System.Text.Json;
using Berth.Tests.Integration.Cluster;

namespace Berth.Tests.Integration.Managers;

/// <summary>A lab of four hosts, of which the first three may be managers and the last runs the containers.</summary>
/// <remarks>It begins with one manager. Commands are asked of all managers, as a person's would be, unless a host is named.</remarks>
public sealed class ManagersLab : IAsyncDisposable
{
    /// <summary>Hosts that may be managers.</summary>
    public const int Managers = 3;

    /// <summary>The host with the containers.</summary>
    public const int Worker = 4;

    private static readonly TimeSpan Settles = TimeSpan.FromSeconds(120);

    private ManagersLab(TestLab lab) => Lab = lab;

    public TestLab Lab { get; }

    public string WorkerName => Lab.HostName(Worker);

    public static async Task<ManagersLab> UpAsync()
    {
        BerthProgram.SkipUnlessPossible();
        Skip.IfNot(File.Exists("/usr/bin/etcd"), "etcd is not installed (package etcd-server)");
        var lab = await TestLab.UpAsync("mgrtest", "--hosts", "4", "--managers", "1");
        try
        {
            await lab.LoadImagesAsync();
            return new ManagersLab(lab);
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync() => Lab.DisposeAsync();

    /// <summary>Asks one host's manager; the result may be a failure.</summary>
    public Task<CommandResult> AskAsync(int host, params string[] arguments) => BerthProgram.RunAsync(["--host", Socket(host), .. arguments]);

    /// <summary>Runs <c>berth</c> on a host; the result may be a failure.</summary>
    public Task<CommandResult> OnAsync(int host, params string[] arguments) =>
        BerthProgram.RunAsync(["lab", "exec", "--name", Lab.Name, Lab.HostName(host), "--", BerthProgram.Berth, .. arguments]);

    /// <summary>The number of the host whose manager leads; waits until some manager is sure.</summary>
    public async Task<int> LeaderAsync()
    {
        var leader = 0;
        await Eventually.HoldsAsync(async () =>
        {
            var status = await Lab.Berth("--consistent", "cluster", "status", "--format", "json");
            if (status.ExitCode != 0)
                return (false, status.Error);
            var name = Rows(status.Json()).Where(row => row.GetProperty("Leader").GetBoolean()).Select(row => row.GetProperty("Hostname").GetString()).SingleOrDefault();
            leader = Enumerable.Range(1, Managers).SingleOrDefault(host => Lab.HostName(host) == name);
            return (leader > 0, status.Output);
        }, Settles);
        return leader;
    }

    /// <summary>What <c>cluster status</c> says, as a person reads it.</summary>
    public async Task<string> StatusAsync() => (await Lab.Berth("cluster", "status")).Succeeded().Output;

    /// <summary>Waits until each of these managers answers by itself, knows all of them as reachable with a store of their own that
    /// has started, and calls every node ready; no other host runs a manager.</summary>
    public Task SettledAsync(params int[] managers) => Eventually.HoldsAsync(async () =>
    {
        var names = managers.Select(Lab.HostName).ToHashSet();
        foreach (var host in managers)
        {
            var status = await AskAsync(host, "cluster", "status", "--format", "json");
            if (status.ExitCode != 0)
                return (false, $"{Lab.HostName(host)}: {status.Error}");
            var rows = Rows(status.Json());
            if (!names.SetEquals(rows.Select(row => row.GetProperty("Hostname").GetString()!)) || !rows.All(row => row.GetProperty("Reachability").GetString() == "reachable")
                || (names.Count > 1 && !rows.All(row => row.GetProperty("StoreMember").GetString() == "started")))
            {
                return (false, $"{Lab.HostName(host)}: {status.Output}");
            }
            var nodes = await AskAsync(host, "node", "ls", "--format", "{{.Status}}");
            if (nodes.ExitCode != 0 || Lines(nodes.Output).Count(line => line == "Ready") != Lab.Hosts)
                return (false, $"{Lab.HostName(host)}: {nodes.Output}{nodes.Error}");
        }
        await Lab.RefreshAsync();
        var others = Enumerable.Range(1, Lab.Hosts).Except(managers).Where(host => Lab.Pid(host, "manager_pid") is not null || Lab.Pid(host, "etcd_pid") is not null).ToList();
        return (others.Count == 0, $"managers or etcd run on {string.Join(", ", others.Select(Lab.HostName))} too");
    }, Settles);

    /// <summary>Changes the cluster, again when nobody could be asked or nothing was changed, until it is acknowledged.</summary>
    public Task WriteAsync(string label) => Eventually.HoldsAsync(async () =>
    {
        var answer = await Lab.Berth("node", "update", "--label-add", $"{label}=1", WorkerName);
        return (answer.ExitCode == 0, answer.Output + answer.Error);
    }, Settles);

    /// <summary>The labels that a manager knows on the worker.</summary>
    public async Task<IReadOnlySet<string>> LabelsAsync(int asked, params string[] options)
    {
        var node = Assert.Single((await BerthProgram.RunAsync(["--host", Socket(asked), .. options, "node", "inspect", WorkerName])).Json().EnumerateArray());
        return node.GetProperty("Spec").GetProperty("Labels").EnumerateObject().Select(label => label.Name).ToHashSet();
    }

    /// <summary>What a host's manager wrote since a length of its log.</summary>
    public string LogSince(int host, long length) => Log(host)[(int)length..];

    /// <summary>All that a host's manager wrote.</summary>
    public string Log(int host) => File.ReadAllText(Path.Combine(Lab.HostStatus(host).GetProperty("directory").GetString()!, "log", "manager.log"));

    /// <summary>The containers of a service, as their engine tells it: ids and start times.</summary>
    public Task<IReadOnlyList<ContainerFact>> ContainersAsync(string service) => Containers.OfAsync(Lab, service);

    internal static IReadOnlyList<JsonElement> Rows(JsonElement status) => [.. status.GetProperty("Managers").EnumerateArray()];

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private string Socket(int host) => "unix://" + Path.Combine(Lab.HostStatus(host).GetProperty("directory").GetString()!, "manager.sock");
}
