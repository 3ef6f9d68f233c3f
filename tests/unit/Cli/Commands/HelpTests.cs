using System.CommandLine;
using Berth.Cli.Commands;
using Berth.Cli.Lab;
using Berth.Stacks.Values;

namespace Berth.Tests.Cli.Commands;

public sealed class HelpTests
{
    private static readonly RootCommand Root = BerthCli.Build(CliRun.Context(TextWriter.Null, TextWriter.Null), ("lab", LabCommand.Build));

    public static TheoryData<string> Leaves => [.. All(Root).Where(command => command.Subcommands.Count == 0 && !command.Hidden).Select(BerthCli.PathOf)];

    [Theory]
    [MemberData(nameof(Leaves))]
    public async Task Every_command_shows_examples_that_parse(string path)
    {
        var (code, stdout, _) = await CliRun.Run([.. path.Split(' ').Skip(1), "--help"]);
        Assert.Equal(0, code);

        var examples = stdout[stdout.IndexOf("Examples:", StringComparison.Ordinal)..].Split('\n').Skip(1).Select(line => line.Trim()).Where(line => line.Length > 0).ToList();
        Assert.NotEmpty(examples);
        foreach (var example in examples)
        {
            var own = example[example.IndexOf("berth", StringComparison.Ordinal)..].Split(" > ")[0].TrimEnd(')');
            Assert.True(ShellWords.TrySplit(own, out var words, out _, out _), own);
            var errors = BerthCli.Parse(Root, [.. words.Skip(1)]).Errors;
            Assert.True(errors.Count == 0, $"{example}: {string.Join("; ", errors.Select(error => error.Message))}");
        }
    }

    [Theory]
    [InlineData("lab exec berth1 -- docker ps -a")]
    [InlineData("lab exec berth1 docker ps -a")]
    [InlineData("task exec web.1 ls -la")]
    [InlineData("service create --name web busybox:1 tail -F /log")]
    [InlineData("service update web --image nginx:2")]
    [InlineData("service ls --nonsense --help")]
    [InlineData("service rm -- -web")]
    public void Words_of_a_containers_command_are_no_flags(string line) =>
        Assert.Null(UnknownWords.Find(BerthCli.Parse(Root, line.Split(' '))));

    [Fact]
    public async Task A_group_without_a_command_shows_its_help()
    {
        var (code, stdout, stderr) = await CliRun.Run(["service"]);

        Assert.Equal(0, code);
        Assert.Contains("Manage services", stdout);
        Assert.Contains("rollback", stdout);
        Assert.Empty(stderr);
    }

    private static IEnumerable<Command> All(Command command) => command.Subcommands.SelectMany(All).Prepend(command);
}
