using System.Globalization;
using System.Security.Cryptography;
using Berth.Bench.Clusters;
using Berth.Bench.Measure;
using Berth.Bench.Scenarios;

if (args is [LabelLoad.ApartArgument, .. var load])
{
    await LabelLoad.RunApartAsync(load);
    return 0;
}
var minutes = double.Parse(Option("minutes") ?? "30", CultureInfo.InvariantCulture);
var seed = int.Parse(Option("seed") ?? RandomNumberGenerator.GetInt32(1_000_000).ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
var stores = Option("store") is { } store ? [store] : new[] { "etcd", "postgres" };
var agents = (Option("agents") ?? "1000,3000,10000").Split(',').Select(count => int.Parse(count, CultureInfo.InvariantCulture)).ToList();
var benches = new SortedDictionary<string, (string About, int Rounds, Func<Report, int, Task> Run)>(StringComparer.Ordinal)
{
    ["cli"] = ("berth service ls against docker service ls", 5, CliScenario.RunAsync),
    ["control-plane"] = ("1,000 simulated agents, 30,000 replicas, durable", 3, ControlPlaneScenario.RunAsync),
    ["deploy"] = ("30 and 60 replicas: Berth, Swarm and the bare engine", 5, DeployScenario.RunAsync),
    ["form"] = ("five hosts become 3 managers and 2 workers: Swarm and Berth", 5, FormScenario.RunAsync),
    ["idle"] = ("memory and CPU of a cluster that has nothing to do", 2, IdleScenario.RunAsync),
    ["leader-loss"] = ("the leader loses power, cable, time or life: writes, reads, containers", 20, (to, losses) => LeaderLossScenario.RunAsync(to, losses, stores)),
    ["nemesis"] = ("managers are disturbed at random for minutes, and what clients saw is checked", 1, (to, _) => NemesisScenario.RunAsync(to, minutes, seed)),
    ["node-loss"] = ("a worker loses power, its cable, or is drained", 5, NodeLossScenario.RunAsync),
    ["rejoin"] = ("1,000, 3,000 and 10,000 simulated agents over mutual TLS, one manager of three is killed", 1, (to, rounds) => RejoinScenario.RunAsync(to, rounds, agents)),
    ["store"] = ("appends and recovery of SQLite, PostgreSQL and etcd, against writing to them directly", 3, StoreScenario.RunAsync),
    ["streams"] = ("memory and CPU of an agent's session at its manager: mutual TLS and unix socket", 3, StreamScenario.RunAsync),
    ["update"] = ("rolling update of 30, five at a time: Berth and Swarm", 3, UpdateScenario.RunAsync),
};

var names = args.Where(argument => !argument.StartsWith('-')).ToList();
var rounds = Option("rounds");
if (names.Count == 0 || names.Any(name => !benches.ContainsKey(name)))
{
    Console.Error.WriteLine("usage: bench/run NAME... [--json] [--rounds=N] [--store=etcd|postgres] [--agents=N,N] [--minutes=N] [--seed=N]");
    foreach (var (name, bench) in benches)
        Console.Error.WriteLine($"  {name,-14} {bench.About} ({bench.Rounds} rounds)");
    return 2;
}
var report = new Report(args.Contains("--json"));
foreach (var name in names)
    await benches[name].Run(report, rounds is null ? benches[name].Rounds : int.Parse(rounds, CultureInfo.InvariantCulture));
return Environment.ExitCode;

string? Option(string name) => args.FirstOrDefault(argument => argument.StartsWith($"--{name}=", StringComparison.Ordinal))?[(name.Length + 3)..];
