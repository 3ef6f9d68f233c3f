using Berth.Model;

namespace Berth.Tests.Shared.Model;

public sealed class ValueTests
{
    private static readonly ServiceSpec Spec = new()
    {
        Name = "web",
        Labels = ValueMap.Of("a", "1"),
        Task = new TaskSpec
        {
            Container = new ContainerSpec { Image = "web:1", Env = ["A=1", "B=2"] },
            Ports = [new PortConfig(80, 8080)],
        },
    };

    [Fact]
    public void Specs_with_equal_parts_are_equal()
    {
        var again = Spec with
        {
            Labels = ValueMap.From([KeyValuePair.Create("a", "1")]),
            Task = Spec.Task with
            {
                Container = Spec.Task.Container with { Env = new List<string> { "A=1", "B=2" }.ToValueList() },
                Ports = [new PortConfig(80, 8080)],
            },
        };
        Assert.Equal(Spec, again);
        Assert.Equal(Spec.GetHashCode(), again.GetHashCode());
    }

    [Fact]
    public void Order_matters_in_lists_and_not_in_maps()
    {
        Assert.NotEqual<ValueList<string>>(["a", "b"], ["b", "a"]);
        Assert.Equal(
            ValueMap.From([KeyValuePair.Create("a", "1"), KeyValuePair.Create("b", "2")]),
            ValueMap.From([KeyValuePair.Create("b", "2"), KeyValuePair.Create("a", "1")]));
    }

    [Fact]
    public void A_map_finds_what_it_holds_and_nothing_else()
    {
        var map = ValueMap.From(Enumerable.Range(0, 50).Select(n => KeyValuePair.Create($"k{n}", $"v{n}")));
        Assert.All(Enumerable.Range(0, 50), n => Assert.Equal($"v{n}", map[$"k{n}"]));
        Assert.False(map.ContainsKey("k50"));
        Assert.Equal("new", map.With("k7", "new")["k7"]);
        Assert.False(map.Without("k7").ContainsKey("k7"));
    }

    [Theory]
    [InlineData("node.labels.zone == a", "node.labels.zone==a")]
    [InlineData("node.hostname!=n1", "node.hostname!=n1")]
    [InlineData("  engine.labels.disk==ssd ", "engine.labels.disk==ssd")]
    [InlineData("node.ip==10.0.0.0/8", "node.ip==10.0.0.0/8")]
    public void Constraints_are_read_as_swarm_reads_them(string text, string normal)
    {
        Assert.True(Constraint.TryParse(text, out var constraint, out _));
        Assert.Equal(normal, constraint.ToString());
    }

    [Theory]
    [InlineData("node.labels.zone")]
    [InlineData("node.labels.zone=a")]
    [InlineData("node.color==red")]
    [InlineData("==a")]
    [InlineData("node.id==")]
    public void Constraints_that_could_never_match_are_refused(string text)
    {
        Assert.False(Constraint.TryParse(text, out _, out var error));
        Assert.NotEmpty(error);
    }
}
