using System.Reflection;
using Berth.Manager.Forwarding;
using Berth.Protocol.V1;
using Google.Protobuf.Reflection;

namespace Berth.Tests.Manager.Forwarding;

public sealed class CallRoutesTests
{
    private static readonly string[] Changing =
        ["Deploy", "Remove", "Create", "Update", "Scale", "Rollback", "Rotate", "Promote", "Demote", "Approve", "Migrate", "Enroll", "Renew"];

    public static TheoryData<string> EveryCall => [.. Methods.Select(Path)];

    private static IEnumerable<MethodDescriptor> Methods =>
        from type in typeof(Control).Assembly.GetTypes()
        where type is { IsAbstract: true, IsSealed: true }
        let descriptor = type.GetProperty("Descriptor", BindingFlags.Public | BindingFlags.Static)?.GetValue(null)
        where descriptor is ServiceDescriptor
        from method in ((ServiceDescriptor)descriptor).Methods
        select method;

    [Theory]
    [MemberData(nameof(EveryCall))]
    public void Of_every_call_somebody_decided_where_it_is_answered(string path) => Assert.True(CallRoutes.IsKnown(path), path);

    [Fact]
    public void Every_call_is_looked_at() => Assert.True(Methods.Count() > 40);

    [Fact]
    public void What_changes_something_goes_to_the_leader_and_says_how_to_check()
    {
        foreach (var path in Methods.Where(method => Changing.Any(verb => method.Name.StartsWith(verb, StringComparison.Ordinal))).Select(Path))
        {
            Assert.Equal(CallRoute.Leader, CallRoutes.Of(path));
            Assert.NotEmpty(CallRoutes.CheckOf(path));
        }
    }

    // The body of a forwarded call is read whole before it is sent, so that it can be sent again.
    [Fact]
    public void A_call_that_can_be_passed_on_has_one_request()
    {
        foreach (var method in Methods.Where(method => CallRoutes.NeedsLeader(Path(method), isConsistent: true)))
            Assert.False(method.IsClientStreaming, Path(method));
    }

    [Fact]
    public void A_call_that_nobody_knows_is_refused_where_it_arrives() =>
        Assert.False(CallRoutes.NeedsLeader("/berth.v1.Control/Explode", isConsistent: true));

    [Fact]
    public void Reads_are_answered_here_unless_they_must_be_consistent()
    {
        const string read = "/berth.v1.Control/ListServices";

        Assert.False(CallRoutes.NeedsLeader(read, isConsistent: false));
        Assert.True(CallRoutes.NeedsLeader(read, isConsistent: true));
    }

    private static string Path(MethodDescriptor method) => $"/{method.Service.FullName}/{method.Name}";
}
