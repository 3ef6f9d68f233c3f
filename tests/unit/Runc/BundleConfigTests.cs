using System.Text;
using System.Text.Json.Nodes;
using Berth.Runc;
using CsCheck;

namespace Berth.Tests.Runc;

public sealed class BundleConfigTests
{
    private const string Wanted = "/run/berth/netns/abc";

    [Fact]
    public void The_hosts_namespace_is_replaced_and_nothing_else()
    {
        var config = """
            {"ociVersion":"1.0.2-dev","process":{"args":["sh"],"env":["type=network","path=/x"]},"hooks":{"linux":{"namespaces":[]}},
             "linux":{"sysctl":{"net.ipv4.ip_forward":"1"},"namespaces":[{"type":"mount"},{"type":"network","path":"/var/run/docker/netns/default"},{"type":"pid","path":"/proc/1/ns/pid"}],"path":"/y"}}
            """;

        Assert.Equal(config.Replace("/var/run/docker/netns/default", Wanted, StringComparison.Ordinal), Join(config));
    }

    [Theory]
    [InlineData("""{"linux":{"namespaces":[{"type":"mount"}]}}""", """{"linux":{"namespaces":[{"type":"network","path":"/run/berth/netns/abc"},{"type":"mount"}]}}""")]
    [InlineData("""{"linux":{"namespaces":[]}}""", """{"linux":{"namespaces":[{"type":"network","path":"/run/berth/netns/abc"}]}}""")]
    public void Where_no_namespace_is_named_it_is_added(string config, string expected) => Assert.Equal(expected, Join(config));

    [Theory]
    [InlineData("""{"linux":{"namespaces":[{"type":"network"}]}}""", "of its own")]
    [InlineData("""{"linux":{}}""", "no list of namespaces")]
    [InlineData("{}", "no list of namespaces")]
    [InlineData("", "not JSON")]
    [InlineData("""{"linux":{"namespaces":[{"ty""", "not JSON")]
    public void What_cannot_be_joined_is_refused(string config, string why) =>
        Assert.Contains(why, Assert.Throws<InvalidDataException>(() => Join(config)).Message, StringComparison.Ordinal);

    [Fact]
    public void Whatever_else_is_in_it_stays_as_it_was()
    {
        var kinds = Agent.Tasks.ATask.OneOf("mount", "pid", "ipc", "uts", "cgroup");
        var spaces = Gen.Select(kinds, Gen.Bool, (kind, named) => named ? $$"""{"path":"/p/{{kind}}","type":"{{kind}}"}""" : $$"""{"type":"{{kind}}"}""");
        Gen.Select(spaces.List[0, 4], spaces.List[0, 4], Gen.String[Gen.Char.AlphaNumeric, 0, 20]).Sample((before, after, text) =>
        {
            string With(string path) =>
                $$"""{"a":"{{text}}","linux":{"x":{"namespaces":[{"type":"network","path":"no"}]},"namespaces":[{{string.Join(',', [.. before, $$"""{"path":"{{path}}","type":"network"}""", .. after])}}]},"z":[1,{"linux":2}]}""";

            var joined = Join(With("/default"));

            Assert.Equal(With(Wanted), joined);
            Assert.NotNull(JsonNode.Parse(joined));
        }, iter: 300);
    }

    [Fact]
    public void Calls_of_runc_are_understood()
    {
        var create = RuncCall.Parse(["--root", "/run/x", "--log", "/l/log.json", "--log-format", "json", "create", "--bundle", "/b", "--pid-file", "/b/init.pid", "abc"]);

        Assert.Equal(new RuncCall(true, "/b", "abc", "/l/log.json"), create);
        Assert.Equal(new RuncCall(true, "/b", "abc", null), RuncCall.Parse(["--systemd-cgroup", "run", "-b", "/b", "abc"]));
        Assert.Equal(new RuncCall(false, null, "abc", null), RuncCall.Parse(["--root=/r", "kill", "--all", "abc"]));
        Assert.Equal(new RuncCall(false, null, "", null), RuncCall.Parse(["--version"]));
        Assert.False(RuncCall.Parse(["--root", "create", "delete", "--force", "create"]).MakesContainer);
    }

    private static string Join(string config) => Encoding.UTF8.GetString(BundleConfig.JoinNetwork(Encoding.UTF8.GetBytes(config), Wanted));
}
