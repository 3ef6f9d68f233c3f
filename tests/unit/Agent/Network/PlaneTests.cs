using Berth.Agent.Network;
using Berth.Model;
using Berth.Model.Networks;

namespace Berth.Tests.Agent.Network;

public sealed class PlaneTests
{
    [Fact]
    public async Task Who_saw_an_older_state_is_told_at_once_and_who_saw_the_newest_waits_for_the_next()
    {
        var plane = new Plane();
        var first = plane.State;
        var waits = plane.ChangedAsync(first, CancellationToken.None);
        Assert.False(waits.IsCompleted);

        plane.Change(state => state);
        Assert.False(waits.IsCompleted);
        plane.Change(state => state with { Wanted = new NodeNetworks { Index = 1 } });

        await waits.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.True(plane.ChangedAsync(first, CancellationToken.None).IsCompletedSuccessfully);
        Assert.False(plane.ChangedAsync(plane.State, CancellationToken.None).IsCompleted);
        Assert.Equal(1, plane.State.Wanted.Index);
    }

    [Fact]
    public void Names_of_veths_fit_the_kernel_and_differ_where_tasks_differ()
    {
        var first = InterfaceNames.Veth(new TaskId(UInt128.MaxValue), 0);
        var second = InterfaceNames.Veth(new TaskId(UInt128.MaxValue - 1), 0);

        Assert.StartsWith(InterfaceNames.VethPrefix, first, StringComparison.Ordinal);
        Assert.NotEqual(first, second);
        Assert.True(InterfaceNames.Veth(new TaskId(UInt128.MaxValue), 99).Length <= 15);
    }
}
