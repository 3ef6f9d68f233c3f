using Berth.Model;

namespace Berth.Tests.Shared.Model;

public sealed class NodeAttributesTests
{
    private static readonly Node Node = new()
    {
        Id = NodeId.Parse("0000000000000000000000001"),
        CreatedAt = DateTimeOffset.UnixEpoch,
        UpdatedAt = DateTimeOffset.UnixEpoch,
        Spec = new NodeSpec { Labels = ValueMap.Of("zone", "A") },
        Description = new NodeDescription
        {
            Hostname = "n1",
            Address = "10.1.2.3",
            Architecture = "x86_64",
            EngineLabels = ValueMap.Of("disk", "ssd"),
        },
    };

    [Theory]
    [InlineData("node.labels.zone==a", true)]
    [InlineData("NODE.LABELS.zone==a", true)]
    [InlineData("node.labels.ZONE==a", false)]
    [InlineData("node.labels.missing!=x", true)]
    [InlineData("node.labels.missing==x", false)]
    [InlineData("engine.labels.disk==SSD", true)]
    [InlineData("node.hostname==n1", true)]
    [InlineData("node.hostname!=n1", false)]
    [InlineData("node.role==worker", true)]
    [InlineData("node.platform.arch==x86_64", true)]
    [InlineData("node.ip==10.1.2.3", true)]
    [InlineData("node.ip==10.1.0.0/16", true)]
    [InlineData("node.ip!=10.1.0.0/16", false)]
    [InlineData("node.ip==10.2.0.0/16", false)]
    [InlineData("node.id==0000000000000000000000001", true)]
    public void Constraints_match_as_in_swarm(string text, bool expected)
    {
        Assert.True(Constraint.TryParse(text, out var constraint, out _));
        Assert.Equal(expected, Node.Satisfies(constraint));
    }
}
