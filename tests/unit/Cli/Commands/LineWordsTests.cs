using System.CommandLine;
using Berth.Cli.Commands;

namespace Berth.Tests.Cli.Commands;

public sealed class LineWordsTests
{
    private static readonly CommandContext Context = CliRun.Context(TextWriter.Null, TextWriter.Null);

    [Theory]
    [InlineData("", null, null)]
    [InlineData("service ls", "service", "ls")]
    [InlineData("service ls --format json", "service", "ls")]
    [InlineData("-H unix:///s node ps berth1", "node", "ps")]
    [InlineData("--host=unix:///s --host unix:///t info", "info", null)]
    [InlineData("service --help", "service", null)]
    [InlineData("--help service", null, null)]
    [InlineData("-H", null, null)]
    public void The_first_two_words_name_the_command(string line, string? group, string? command)
    {
        var words = LineWords.Of(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.Equal(group, words.Group);
        if (group is not null)
            Assert.Equal(command, words.Command);
    }

    [Fact]
    public void A_line_that_names_a_command_makes_that_one_alone()
    {
        foreach (var leaf in Leaves(BerthCli.Build(Context)).Where(leaf => !leaf.Hidden))
        {
            string[] words = [.. BerthCli.PathOf(leaf).Split(' ').Skip(1)];
            var tree = BerthCli.Build(Context, LineWords.Of(words));

            Assert.Equal(words[0], Assert.Single(tree.Subcommands).Name);
            Assert.Equal(BerthCli.PathOf(leaf), BerthCli.PathOf(BerthCli.Parse(tree, words).CommandResult.Command));
            if (words[0] != "completion")
                Assert.Single(Leaves(tree));
        }
    }

    [Theory]
    [InlineData("service list")]
    [InlineData("service lss")]
    [InlineData("servce ls")]
    [InlineData("complete -- service l")]
    [InlineData("service -H ls")]
    [InlineData("--nonsense service ls")]
    public void Any_other_line_is_parsed_as_with_all_commands(string line)
    {
        string[] words = line.Split(' ');
        var all = BerthCli.Parse(BerthCli.Build(Context), words);
        var some = BerthCli.Parse(BerthCli.Build(Context, LineWords.Of(words)), words);

        Assert.Equal(BerthCli.PathOf(all.CommandResult.Command), BerthCli.PathOf(some.CommandResult.Command));
        Assert.Equal(all.Errors.Select(error => error.Message), some.Errors.Select(error => error.Message));
    }

    private static IEnumerable<Command> Leaves(Command command) =>
        command.Subcommands.Count == 0 ? [command] : command.Subcommands.SelectMany(Leaves);
}
