using System.CommandLine;
using Berth.Cli.Commands;
using Berth.Cli.Commands.Completion;

namespace Berth.Tests.Cli.Commands;

public sealed class CompleterTests
{
    private static readonly RootCommand Root = BerthCli.Build(CliRun.Context(TextWriter.Null, TextWriter.Null));

    [Theory]
    [InlineData("", "cluster completion context debug events info network node service stack task version")]
    [InlineData("se", "service")]
    [InlineData("service r", "rm rollback")]
    [InlineData("node update --avail", "--availability")]
    [InlineData("node update --availability ", "active drain pause")]
    [InlineData("node update --availability d", "drain")]
    [InlineData("service create --update-order s", "start-first stop-first")]
    [InlineData("stack deploy --ho", "--host")]
    [InlineData("completion ", "bash fish zsh")]
    public void Words_come_from_the_command_tree(string line, string expected) =>
        Assert.Equal(expected, string.Join(' ', Completer.Find(Root, line.Split(' ')).Words.Select(word => word.Word)));

    [Theory]
    [InlineData("service ps ", "Service")]
    [InlineData("service ps web ", "Service")]
    [InlineData("service update --image x ", "Service")]
    [InlineData("node inspect ", "Node")]
    [InlineData("stack rm ", "Stack")]
    [InlineData("task exec -it ", "Task")]
    [InlineData("service logs --tail 5 ", "ServiceOrTask")]
    public void Names_are_asked_of_a_manager(string line, string kind) => Assert.Equal(kind, Completer.Find(Root, line.Split(' ')).Names?.ToString());

    [Theory]
    [InlineData("task exec web.1 ")]
    [InlineData("service ls ")]
    [InlineData("stack deploy -c ")]
    public void Elsewhere_no_names_are_offered(string line) => Assert.Null(Completer.Find(Root, line.Split(' ')).Names);

    [Fact]
    public void Refused_flags_are_not_offered() =>
        Assert.DoesNotContain("--secret", Completer.Find(Root, ["service", "create", "--"]).Words.Select(word => word.Word));
}
