using Berth.Bench.Measure;
using Berth.Bench.Scenarios;

var benches = new SortedDictionary<string, (string About, int Rounds, Func<Report, int, Task> Run)>(StringComparer.Ordinal)
{
    ["cli"] = ("berth service ls against docker service ls", 5, CliScenario.RunAsync),
    ["control-plane"] = ("1,000 simulated agents, 30,000 replicas, durable", 3, ControlPlaneScenario.RunAsync),
    ["deploy"] = ("30 and 60 replicas: Berth, Swarm and the bare engine", 5, DeployScenario.RunAsync),
    ["idle"] = ("memory and CPU of a cluster that has nothing to do", 2, IdleScenario.RunAsync),
    ["node-loss"] = ("a worker loses power, its cable, or is drained", 5, NodeLossScenario.RunAsync),
    ["update"] = ("rolling update of 30, five at a time: Berth and Swarm", 3, UpdateScenario.RunAsync),
};

var names = args.Where(argument => !argument.StartsWith('-')).ToList();
var rounds = args.FirstOrDefault(argument => argument.StartsWith("--rounds=", StringComparison.Ordinal))?["--rounds=".Length..];
if (names.Count == 0 || names.Any(name => !benches.ContainsKey(name)))
{
    Console.Error.WriteLine("usage: bench/run NAME... [--json] [--rounds=N]");
    foreach (var (name, bench) in benches)
        Console.Error.WriteLine($"  {name,-14} {bench.About} ({bench.Rounds} rounds)");
    return 2;
}
var report = new Report(args.Contains("--json"));
foreach (var name in names)
    await benches[name].Run(report, rounds is null ? benches[name].Rounds : int.Parse(rounds, System.Globalization.CultureInfo.InvariantCulture));
return 0;
