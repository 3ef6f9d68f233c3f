using System.Globalization;
using System.Text.Json;
using Berth.Cli.Output;

namespace Berth.Cli.Lab;

/// <summary>Forms a lab's cluster as people do it on machines: <c>berth cluster init</c> on the first host, <c>berth cluster join</c>
/// on the others. What is joined already is left alone.</summary>
internal sealed class LabCluster(LabRecord lab, Action<string> say)
{
    private static readonly TimeSpan WakeEvery = TimeSpan.FromMilliseconds(10);

    /// <summary>Makes every host a node, and the first ones managers.</summary>
    public async Task FormAsync(CancellationToken cancel)
    {
        using var formed = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var waking = WakeAsync(formed.Token);
        try
        {
            if (!lab.Numbers.Any(HasManager))
            {
                say($"{lab.HostName(1)}: cluster init");
                await InsideAsync(1, ["cluster", "init", "--advertise-addr", lab.Network.Address(1)], "", cancel);
            }
            var joins = lab.Numbers.Where(number => !IsJoined(number)).ToList();
            // Side by side: the leader lets managers in one after the other, each only when the cluster is safe with it.
            await Task.WhenAll(
                JoinAllAsync("worker", [.. joins.Where(number => number > lab.Managers)], cancel),
                JoinAllAsync("manager", [.. joins.Where(number => number <= lab.Managers)], cancel));
            await PromoteAsync(joins, cancel);
        }
        finally
        {
            await formed.CancelAsync();
            await waking;
        }
    }

    // Hosts that were workers when fewer managers were asked for.
    private async Task PromoteAsync(IReadOnlyList<int> joined, CancellationToken cancel)
    {
        foreach (var number in lab.Numbers.Where(number => number <= lab.Managers && !HasManager(number) && !joined.Contains(number)))
        {
            say($"{lab.HostName(number)}: node promote");
            await Own(["node", "promote", lab.HostName(number)], "", cancel);
        }
    }

    private async Task JoinAllAsync(string role, IReadOnlyList<int> numbers, CancellationToken cancel)
    {
        if (numbers.Count == 0)
            return;
        var token = (await Own(["cluster", "token", "--quiet", role], "", cancel)).Trim();
        string[] managers = [.. lab.Numbers.Where(HasManager).Select(lab.Network.Address)];
        await Task.WhenAll(numbers.Select(number =>
        {
            say($"{lab.HostName(number)}: cluster join as {role}");
            return InsideAsync(number, ["cluster", "join", "--token-file", "-", "--advertise-addr", lab.Network.Address(number), .. managers], token, cancel);
        }));
    }

    private bool HasManager(int number) => File.Exists(LabHost.Seen(lab, number, lab.ManagerConfig(number)));

    private bool IsJoined(int number)
    {
        try
        {
            using var status = JsonDocument.Parse(File.ReadAllText(Path.Combine(lab.HostDirectory(number), "agent", "status.json")));
            return status.RootElement.GetProperty("state").GetString() == "joined";
        }
        catch (Exception error) when (error is IOException or JsonException or KeyNotFoundException)
        {
            // The agent has not said anything yet.
            return false;
        }
    }

    // Hosts look every half second whether a manager or an etcd member is wanted; here nobody waits for that.
    private async Task WakeAsync(CancellationToken cancel)
    {
        var waiting = lab.Numbers.SelectMany(number => new[] { (number, Name: "manager", File: lab.ManagerConfig(number)), (number, Name: "etcd", File: lab.EtcdConfig(number)) }).ToList();
        while (!cancel.IsCancellationRequested)
        {
            foreach (var one in waiting.Where(one => File.Exists(LabHost.Seen(lab, one.number, one.File))).ToList())
            {
                LabHost.Wake(lab, one.number, one.Name);
                waiting.Remove(one);
            }
            await Task.Delay(WakeEvery, TimeProvider.System, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private Task<string> Own(IReadOnlyList<string> arguments, string input, CancellationToken cancel) =>
        RunAsync(Environment.ProcessPath!, [.. arguments, "--host", lab.ManagerHosts], new Dictionary<string, string>(), input, $"berth {string.Join(' ', arguments)}", cancel);

    private Task<string> InsideAsync(int number, IReadOnlyList<string> arguments, string input, CancellationToken cancel) => RunAsync("nsenter",
        ["-t", LabHost.Init(lab, number).ToString(CultureInfo.InvariantCulture), "--mount", "--uts", "--ipc", "--net", "--pid", "--", Environment.ProcessPath!, .. arguments],
        LabHost.CommandEnvironment(lab, number), input, $"on {lab.HostName(number)}: berth {string.Join(' ', arguments)}", cancel);

    private async Task<string> RunAsync(string file, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> environment, string input, string what, CancellationToken cancel)
    {
        var (exitCode, output, error) = await Tool.ReadAsync(file, arguments, environment, input, cancel);
        return exitCode == 0 ? output : throw new UserError($"{what}: {error.Trim().Replace("error: ", "", StringComparison.Ordinal)}",
            $"read the logs in {lab.Directory}: h*/log/manager.log, agent.log, etcd.log; then run the same command again", exitCode);
    }
}
