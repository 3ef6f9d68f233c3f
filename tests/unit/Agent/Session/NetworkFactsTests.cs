using Berth.Agent.Engine;
using Berth.Agent.Session;
using Berth.Model;

namespace Berth.Tests.Agent.Session;

public sealed class NetworkFactsTests
{
    private static readonly EngineFacts Engine = new()
    {
        Version = "20.10.24", ApiVersion = "1.41", Os = "linux", Architecture = "x86_64", Capacity = new Resources(), Runtimes = ["berth", "runc"],
    };

    [Fact]
    public void There_is_a_way_when_kernel_and_engine_have_what_it_needs()
    {
        var able = NetworkFacts.Describe(Engine, [], []);

        Assert.Equal(("runtime", ""), (able.Way, able.Problem));
    }

    [Fact]
    public void Everything_that_is_missing_is_named()
    {
        var unable = NetworkFacts.Describe(Engine with { Runtimes = ["runc"] }, ["no VXLAN"], []);

        Assert.False(unable.IsAble);
        Assert.StartsWith("no VXLAN; the engine has no runtime 'berth'", unable.Problem, StringComparison.Ordinal);
        Assert.False(NetworkFacts.Describe(null, null, []).IsAble);
    }
}
