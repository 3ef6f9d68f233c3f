using System.CommandLine;
using Berth.Cli.Output;

namespace Berth.Cli.Lab;

/// <summary>The command <c>berth lab</c>: several real hosts on one Linux machine.</summary>
public static class LabCommand
{
    private static readonly Option<string> Name = new("--name")
    {
        Description = "The lab; hosts are called NAME1, NAME2, …",
        DefaultValueFactory = _ => "berth",
        Recursive = true,
    };

    /// <summary>Makes the command with all its verbs.</summary>
    public static Command Build()
    {
        var lab = new LabVerb("lab", "Several real hosts on one Linux machine, to try Berth without machines",
            "berth lab up --hosts 3", "berth lab kill berth3", "berth lab start berth3", "berth lab down")
        {
            Name,
            LabUpCommand.Build(Name),
            Verb("status", "Hosts, addresses, processes and sockets of the lab.", LabReport.StatusAsync, Format)
                .Shows("berth lab status", "berth lab status --name other --format json"),
            List(),
            Exec(),
            OnHosts("kill", "Power loss: cuts the link, then kills everything on the host at once.", KillAsync).Shows("berth lab kill berth3", "berth lab kill 2 3"),
            OnHosts("start", "Turns a killed host on again, on its old disk.", StartAsync).Shows("berth lab start berth3"),
            OnHosts("partition", "Cuts the host's link silently; it stays on.", PartitionAsync).Shows("berth lab partition berth2"),
            OnHosts("heal", "Joins the link again.", HealAsync).Shows("berth lab heal berth2"),
            DaemonCommand(Daemon.Engine),
            DaemonCommand(Daemon.Agent),
            DaemonCommand(Daemon.Manager),
            DaemonCommand(Daemon.Etcd),
            Disk(),
            Clock(),
            Load(),
            Push(),
            Down(),
        };
        return lab;
    }

    private static readonly Option<string> Format = new Option<string>("--format") { Description = "table or json", DefaultValueFactory = _ => "table" }
        .AcceptOnlyFromAmong("table", "json");

    private static readonly Argument<string> Host = new("HOST") { Description = "berth2, or 2" };

    /// <summary>Runs a verb's work as root and turns its errors into messages and exit codes.</summary>
    internal static async Task<int> GuardAsync(Func<Task<int>> work)
    {
        try
        {
            LabPreflight.RequireRoot();
            return await work();
        }
        catch (UserError error)
        {
            foreach (var line in error.Lines())
                await Console.Error.WriteLineAsync(line);
            return error.Code;
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync("interrupted; the lab is as far as it came: 'berth lab up' goes on, 'berth lab down' removes it");
            return ExitCode.NotReached;
        }
    }

    private static LabVerb Verb(string name, string description, Func<LabRecord, ParseResult, CancellationToken, Task<int>> run, params Symbol[] symbols)
    {
        var command = new LabVerb(name, description);
        foreach (var symbol in symbols)
        {
            if (symbol is Option option)
                command.Options.Add(option);
            else
                command.Arguments.Add((Argument)symbol);
        }
        command.SetAction((parsed, cancel) => GuardAsync(() => run(LabStore.Get(parsed.GetRequiredValue(Name)), parsed, cancel)));
        return command;
    }

    // A verb that changes hosts, one or several, and so excludes other commands.
    private static LabVerb OnHosts(string name, string description, Func<LabRecord, int, CancellationToken, Task> act)
    {
        var hosts = new Argument<string[]>("HOST") { Description = "berth2, or 2; several may be given", Arity = ArgumentArity.OneOrMore };
        return Verb(name, description, async (lab, parsed, cancel) =>
        {
            var numbers = parsed.GetRequiredValue(hosts).Select(lab.HostNumber).Distinct().ToList();
            using var held = await LabStore.LockAsync(cancel);
            foreach (var number in numbers)
                await act(lab, number, cancel);
            return 0;
        }, hosts);
    }

    private static Task KillAsync(LabRecord lab, int number, CancellationToken cancel)
    {
        LabHost.Init(lab, number);
        return LabHost.KillAsync(lab, number, cancel);
    }

    private static async Task StartAsync(LabRecord lab, int number, CancellationToken cancel)
    {
        if (HostProcesses.Read(lab, number).Init is not null)
            return;
        LabHost.Prepare(lab, number);
        await LabHost.StartAsync(lab, number, cancel);
        using var engine = new EngineClient(lab.EngineSocket(number));
        if (!await Tool.UntilAsync(engine.AnswersAsync, TimeSpan.FromSeconds(60), cancel))
            throw new UserError($"{lab.HostName(number)} is on, but its engine does not answer", $"read {lab.HostDirectory(number)}/log/engine.log");
    }

    private static Task PartitionAsync(LabRecord lab, int number, CancellationToken cancel)
    {
        LabHost.Init(lab, number);
        return LabSwitch.CutAsync(lab, number, cancel);
    }

    private static Task HealAsync(LabRecord lab, int number, CancellationToken cancel)
    {
        LabHost.Init(lab, number);
        return LabSwitch.JoinAsync(lab, number, cancel);
    }

    private static LabVerb Exec()
    {
        var words = new Argument<string[]>("CMD") { Description = "The command and its arguments", Arity = ArgumentArity.OneOrMore, CaptureRemainingTokens = true };
        return Verb("exec", "Runs a command on a host; DOCKER_HOST, BERTH_HOST and BERTH_DIR are set.", (lab, parsed, _) =>
        {
            var number = lab.HostNumber(parsed.GetRequiredValue(Host));
            return Tool.ForegroundAsync("nsenter",
                ["-t", $"{LabHost.Init(lab, number)}", "--mount", "--uts", "--ipc", "--net", "--pid", "--", .. parsed.GetRequiredValue(words)],
                LabHost.CommandEnvironment(lab, number));
        }, Host, words).Shows("berth lab exec berth2 -- docker ps", "berth lab exec --name other 1 -- sh");
    }

    private static LabVerb DaemonCommand(Daemon daemon)
    {
        var name = daemon.ToString().ToLowerInvariant();
        var verb = new Argument<string>("VERB") { Description = string.Join(", ", DaemonControl.Verbs) }.AcceptOnlyFromAmong(DaemonControl.Verbs);
        var hold = new Option<bool>("--hold") { Description = "With kill: it stays down until start." };
        var signal = new Option<int>("--signal")
        {
            Description = "With kill: another signal than KILL, such as TERM", HelpName = "signal", DefaultValueFactory = _ => HostProcesses.Kill,
            CustomParser = result =>
            {
                try
                {
                    return DaemonControl.Signal(result.Tokens[0].Value);
                }
                catch (FormatException error)
                {
                    result.AddError($"--signal '{result.Tokens[0].Value}': {error.Message}");
                    return HostProcesses.Kill;
                }
            },
        };
        return Verb(name, $"Kills (SIGKILL; the host restarts it after half a second), stops (SIGTERM; stays down), starts, pauses (SIGSTOP) or resumes a host's {name}.", async (lab, parsed, cancel) =>
        {
            await DaemonControl.RunAsync(lab, lab.HostNumber(parsed.GetRequiredValue(Host)), daemon, parsed.GetRequiredValue(verb), parsed.GetValue(hold), parsed.GetValue(signal), cancel);
            return 0;
        }, Host, verb, hold, signal).Shows($"berth lab {name} berth1 kill", $"berth lab {name} berth1 kill --signal TERM", $"berth lab {name} berth1 kill --hold", $"berth lab {name} berth1 start", $"berth lab {name} berth1 pause");
    }

    private static LabVerb Disk()
    {
        var verb = new Argument<string>("VERB") { Description = "fill, slow or heal" }.AcceptOnlyFromAmong("fill", "slow", "heal");
        return Verb("disk", "Fills or slows the small disk of a host's manager and etcd (lab up --disk), or takes that back.", async (lab, parsed, cancel) =>
        {
            var number = lab.HostNumber(parsed.GetRequiredValue(Host));
            await (parsed.GetRequiredValue(verb) switch
            {
                "fill" => LabDisk.FillAsync(lab, number, cancel),
                "slow" => LabDisk.SlowAsync(lab, number, cancel),
                _ => LabDisk.HealAsync(lab, number, cancel),
            });
            return 0;
        }, Host, verb).Shows("berth lab disk berth1 fill", "berth lab disk berth1 slow", "berth lab disk berth1 heal");
    }

    private static LabVerb Clock()
    {
        var offset = new Argument<string>("OFFSET") { Description = "+30s, -5m, +2h; +0s is the right time. Behind -- when it begins with a dash" };
        return Verb("clock", "Sets the wall clock that a host's manager and agent see (lab up --clocks).", (lab, parsed, _) =>
        {
            LabClock.Set(lab, lab.HostNumber(parsed.GetRequiredValue(Host)), parsed.GetRequiredValue(offset));
            return Task.FromResult(0);
        }, Host, offset).Shows("berth lab clock berth1 +30s", "berth lab clock berth1 -- -5m", "berth lab clock berth1 +0s");
    }

    private static LabVerb Load()
    {
        var file = new Argument<string>("FILE.tar") { Description = "An archive made by docker save or samples/images/build.sh" };
        var hosts = new Argument<string[]>("HOST") { Description = "Only into these; all by default", Arity = ArgumentArity.ZeroOrMore };
        return Verb("load", "Loads images into the engines.", async (lab, parsed, cancel) =>
        {
            var path = parsed.GetRequiredValue(file);
            var images = await ImageArchive.ReadAsync(path, cancel);
            var named = parsed.GetValue(hosts) ?? [];
            var numbers = named.Length > 0 ? named.Select(lab.HostNumber) : lab.Numbers.Where(number => HostProcesses.Read(lab, number).Init is not null);
            await Task.WhenAll(numbers.Select(async number =>
            {
                LabHost.Init(lab, number);
                using var engine = new EngineClient(lab.EngineSocket(number));
                foreach (var image in images)
                {
                    if (await engine.HasAsync(image, cancel))
                        continue;
                    await engine.LoadAsync(path, cancel);
                    await Console.Error.WriteLineAsync($"{lab.HostName(number)}: loaded {string.Join(", ", images.SelectMany(one => one.Tags))}");
                    return;
                }
            }));
            return 0;
        }, file, hosts).Shows("berth lab load .out/images/all.tar", "berth lab load app.tar berth2");
    }

    private static LabVerb Push()
    {
        var file = new Argument<string>("FILE.tar") { Description = "An archive with one image, or with one of REF's name" };
        var reference = new Argument<string>("REF") { Description = ImagePush.Registry + "/NAME:TAG" };
        return Verb("push", "Sends an image to the lab's registry, past every engine.", async (lab, parsed, cancel) =>
        {
            var path = parsed.GetRequiredValue(file);
            var (repository, tag) = ImagePush.ParseReference(parsed.GetRequiredValue(reference));
            var images = await ImageArchive.ReadAsync(path, cancel);
            var image = images.FirstOrDefault(one => one.Tags.Contains($"{repository}:{tag}")) ?? (images is [var only] ? only : throw new UserError(
                $"{path} holds {images.Length} images and none is {repository}:{tag}", $"it holds {string.Join(", ", images.SelectMany(one => one.Tags))}", ExitCode.WrongUsage));
            await ImagePush.RunAsync(LabRegistry.Address(lab), path, image, repository, tag, cancel);
            return 0;
        }, file, reference).Shows($"berth lab push app.tar {ImagePush.Registry}/app:1");
    }

    private static LabVerb List()
    {
        var command = new LabVerb("ls", "The labs on this machine.", "berth lab ls", "berth lab ls --format json") { Format };
        command.SetAction((parsed, _) => GuardAsync(() => LabReport.ListAsync(parsed.GetRequiredValue(Format))));
        return command;
    }

    private static LabVerb Down()
    {
        var command = new LabVerb("down", "Removes the lab: processes, networks, mounts, control groups, disks. Also half-made ones.",
            "berth lab down", "berth lab down --name other");
        command.SetAction((parsed, cancel) => GuardAsync(async () =>
        {
            var name = parsed.GetRequiredValue(Name);
            using var held = await LabStore.LockAsync(cancel);
            if (LabStore.Find(name) is { } lab)
                await LabDown.RunAsync(lab, cancel);
            else
                await Console.Error.WriteLineAsync($"there is no lab '{name}'; nothing to do");
            return 0;
        }));
        return command;
    }
}
