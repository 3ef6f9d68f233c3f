using Berth.Cli.Output;

namespace Berth.Tests.Cli.Commands;

/// <summary>Wrong command lines: each is refused before a manager is asked, with exit code 2 and a message that says why.</summary>
public sealed class WrongUsageTests
{
    public static TheoryData<string, string> Wrong => new()
    {
        { "srvice ls", "error: unrecognized command or argument 'srvice'" },
        { "srvice ls", "next: did you mean service? See berth --help" },
        { "service ls --fomat json", "unrecognized command or argument '--fomat'\n  next: did you mean --format? See berth service ls --help" },
        { "service update --replicas 3 --nonsense web", "error: unrecognized command or argument '--nonsense'" },
        { "service update --nonsense web", "error: unrecognized command or argument '--nonsense'" },
        { "service create --nonsense nginx", "error: unrecognized command or argument '--nonsense'" },
        { "service inspect --pretty web", "error: unrecognized command or argument '--pretty'" },
        { "service rm --force web", "error: unrecognized command or argument '--force'" },
        { "task exec --nonsense web.1 sh", "error: unrecognized command or argument '--nonsense'" },
        { "stack rm -f shop", "error: unrecognized command or argument '-f'" },
        { "stack deploy -c / shop", "error: stack file '/' cannot be read: it is a folder" },
        { "lab up --hosts many", "error: --hosts 'many': write a number of hosts, such as 3" },
        { "lab kill --now berth1", "error: unrecognized command or argument '--now'" },
        { "service ls --all", "error: unrecognized command or argument '--all'" },
        { "cluster update --autolock maybe", "error: unrecognized command or argument 'maybe'" },
        { "service create", "error: required argument 'IMAGE [COMMAND] [ARG...]' missing for command: 'create'" },
        { "service create --replicas -3 nginx", "error: --replicas '-3': write a whole number of 0 or more" },
        { "service create --replicas two nginx", "error: --replicas 'two': write a whole number of 0 or more" },
        { "service create --mode replicated-job nginx", "error: --mode 'replicated-job': write one of replicated, global" },
        { "service create --mode global --replicas 3 --name a nginx", "error: --replicas 3: service 'a' is global: it has one task on each node, so replicas cannot be set" },
        { "service create --limit-memory 5X nginx", "error: --limit-memory '5X': write a number of bytes" },
        { "service create --limit-cpu lots nginx", "error: --limit-cpu 'lots': write a number of cores" },
        { "service create --update-delay 10 nginx", "error: --update-delay '10': write a number with a unit" },
        { "service create --update-delay=-10s nginx", "error: --update-delay '-10s': a duration is not negative" },
        { "service create --update-failure-action explode nginx", "error: --update-failure-action 'explode': write one of pause, continue, rollback" },
        { "service create --rollback-failure-action rollback nginx", "error: --rollback-failure-action 'rollback': write one of pause, continue" },
        { "service create --update-max-failure-ratio 1.5 nginx", "error: --update-max-failure-ratio '1.5': write a share from 0 to 1" },
        { "service create --constraint node.color==red nginx", "error: --constraint 'node.color==red': 'node.color' is not something a constraint can ask" },
        { "service create --placement-pref node.labels.zone nginx", "error: --placement-pref 'node.labels.zone': write spread=ATTRIBUTE" },
        { "service create --network name=front,colour=red nginx", "error: --network 'name=front,colour=red': 'colour' is not part of a network" },
        { "service create -p 127.0.0.1:80:80 nginx", "error: --publish '127.0.0.1:80:80': a host address cannot be chosen" },
        { "service create -p 8000-8010:80 nginx", "error: --publish '8000-8010:80': ranges are not supported" },
        { "service create -p 99999:80 nginx", "error: --publish '99999:80': '99999' is not a port" },
        { "service create -p published=80,target=80,mode=sideways nginx", "'sideways' is not a mode; write mode=ingress or mode=host" },
        { "service create --mount type=cluster,source=a,target=/a nginx", "type 'cluster' is not supported; write volume, bind or tmpfs" },
        { "service create --mount type=bind,target=/a nginx", "a bind needs source=PATH" },
        { "service create --mount type=volume,source=a nginx", "target=PATH is missing" },
        { "service create --mount type=volume,sauce=a,target=/a nginx", "'sauce' is not part of a mount" },
        { "service create --env =x nginx", "error: --env '=x': write KEY=VALUE" },
        { "service create --no-healthcheck --health-cmd true nginx", "error: --no-healthcheck conflicts with the other --health flags" },
        { "service create --secret token nginx", "error: --secret is not supported: secrets are not built yet" },
        { "network create --ipv6 front", "error: --ipv6 is not supported: networks are IPv4 only yet" },
        { "service create --entrypoint \"sh'\" nginx", "error: --entrypoint 'sh''" },
        { "network create --subnet ten/8 front", "error: --subnet 'ten/8': write a first address and a prefix" },
        { "service update --rollback --image nginx:2 web", "error: --rollback conflicts with --image" },
        { "service scale web", "error: 'web': write SERVICE=REPLICAS, such as web=5" },
        { "service scale web=many", "error: 'web=many': write a whole number of 0 or more" },
        { "service ls --filter color=red", "error: --filter 'color=red': there is no filter 'color' here" },
        { "service ls --format csv", "error: --format 'csv' is not a format" },
        { "service ls --format {{range.}}", "error: template action '{{range.}}' is not supported" },
        { "service logs --tail some web", "error: --tail 'some': write a whole number of 0 or more" },
        { "service logs --since yesterday web", "error: --since 'yesterday': write an instant" },
        { "node update web1", "error: nothing to change on node 'web1'" },
        { "node update --availability gone web1", "error: --availability 'gone': write one of active, pause, drain" },
        { "node update --role manager web1", "error: --role is not supported" },
        { "stack deploy shop", "error: no stack file is named" },
        { "stack deploy -c /nonexistent.yml shop", "error: stack file '/nonexistent.yml' cannot be read" },
        { "stack deploy -c /nonexistent.yml -shop", "error: " },
        { "stack deploy -c a.yml _shop", "error: stack name: '_shop' is not a name" },
        { "stack deploy -c a.yml --prune --keep-orphans shop", "error: --keep-orphans conflicts with --prune" },
        { "stack deploy -c a.yml --with-registry-auth shop", "error: --with-registry-auth is not supported" },
        { "stack deploy -c a.yml --timeout soon shop", "error: --timeout 'soon': write a number with a unit" },
        { "task exec web.1", "error: required argument 'TASK COMMAND [ARG...]' missing for command: 'exec'" },
        { "--host 10.0.0.1:2400 node ls", "error: manager address '10.0.0.1:2400' from --host" },
        { "completion powershell", "error: unrecognized command or argument 'powershell'" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task A_wrong_command_line_is_refused_with_its_reason(string line, string message)
    {
        var (code, stdout, stderr) = await CliRun.Run(Words(line));

        Assert.Contains(message, stderr);
        Assert.Equal(ExitCode.WrongUsage, code);
        Assert.Empty(stdout);
    }

    [Fact]
    public async Task Every_problem_of_a_command_line_is_shown()
    {
        var (_, _, stderr) = await CliRun.Run(["service", "create", "--replicas", "x", "--limit-cpu", "y", "nginx"]);

        Assert.Equal("""
            error: --replicas 'x': write a whole number of 0 or more
            error: --limit-cpu 'y': write a number of cores with at most nine decimals, such as 0.5
              next: berth service create --help

            """, stderr);
    }

    [Fact]
    public async Task Without_a_manager_the_address_and_a_remedy_are_named()
    {
        var (code, stdout, stderr) = await CliRun.Run(["service", "ls", "--format", "json"]);

        Assert.Equal(ExitCode.Unreachable, code);
        Assert.Empty(stdout);
        Assert.Equal("""
            error: no manager answers at unix:///nonexistent/manager.sock: there is no such socket
              next: start one with 'berth lab up' or berth-manager, or name another with --host URL or BERTH_HOST

            """, stderr);
    }

    // Quotes only group words; that is all the table needs.
    private static string[] Words(string line) =>
        [.. System.Text.RegularExpressions.Regex.Matches(line, "\"([^\"]*)\"|(\\S+)").Select(match => match.Groups[1].Success ? match.Groups[1].Value : match.Value)];
}
