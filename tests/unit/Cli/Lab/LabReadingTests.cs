using Berth.Cli.Lab;
using Berth.Cli.Output;

namespace Berth.Tests.Cli.Lab;

/// <summary>What the lab reads from the kernel's and tools' texts, and writes for shells.</summary>
public sealed class LabReadingTests
{
    [Fact]
    public void Ports_on_the_bridge_are_joined_and_others_cut()
    {
        const string Links = """
            3: machine@if2: <BROADCAST,UP> mtu 1500 qdisc noqueue master br0 state UP mode DEFAULT
            5: p1@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master br0 state UP mode DEFAULT
            7: p12@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT

            """;

        Assert.Equal([new(1, true), new(12, false)], LabSwitch.ParsePorts(Links));
    }

    [Fact]
    public void The_process_that_is_number_one_in_its_own_namespace_is_the_hosts_init()
    {
        Assert.True(ProcessFacts.Parse(77, ["Name:\tbash", "State:\tS (sleeping)", "PPid:\t5", "NSpid:\t77\t1"])!.IsInit);
        Assert.False(ProcessFacts.Parse(78, ["Name:\tdockerd", "State:\tS (sleeping)", "PPid:\t77", "NSpid:\t78\t12"])!.IsInit);
        Assert.False(ProcessFacts.Parse(1, ["Name:\tinit", "State:\tS (sleeping)", "PPid:\t0", "NSpid:\t1"])!.IsInit);
        Assert.True(ProcessFacts.Parse(80, ["Name:\tetcd", "State:\tT (stopped)", "PPid:\t77", "NSpid:\t80\t14"])!.IsStopped);
        Assert.Null(ProcessFacts.Parse(79, ["Name:\tdockerd", "State:\tZ (zombie)", "PPid:\t77", "NSpid:\t79\t13"]));
    }

    [Theory]
    [InlineData("--data-root", "--data-root")]
    [InlineData("it's $HOME", "'it'\\''s $HOME'")]
    [InlineData("", "''")]
    public void Arguments_reach_the_shell_unchanged(string argument, string quoted) => Assert.Equal(quoted, DaemonScripts.Quote(argument));

    [Theory]
    [InlineData("registry.lab:5000/berth/hello:1", "berth/hello", "1")]
    [InlineData("berth/hello:1", "berth/hello", "1")]
    [InlineData("hello", "hello", "latest")]
    public void References_with_and_without_the_registry_are_understood(string text, string repository, string tag) =>
        Assert.Equal((repository, tag), ImagePush.ParseReference(text));

    [Theory]
    [InlineData("other:5000/hello:1")]
    [InlineData("Hello:1")]
    [InlineData("hello:")]
    [InlineData(":1")]
    public void Other_references_are_refused(string text) => Assert.Throws<UserError>(() => ImagePush.ParseReference(text));

    [Fact]
    public void Ready_nodes_are_those_whose_status_says_so()
    {
        const string Nodes = """[{"Hostname":"a1","Status":"Ready"},{"Hostname":"a2","Status":"Down"},{"Hostname":"a3","Status":"ready"}]""";

        Assert.Equal(["a1", "a3"], ReadyNodes.Ready(Nodes).Order());
    }

    [Fact]
    public void The_command_parses_what_comes_after_two_dashes_as_the_hosts_command()
    {
        var parsed = LabCommand.Build().Parse(["exec", "--name", "x", "2", "--", "docker", "ps", "--all"]);

        Assert.Empty(parsed.Errors);
        Assert.Equal(["docker", "ps", "--all"], parsed.GetRequiredValue<string[]>("CMD"));
    }
}
