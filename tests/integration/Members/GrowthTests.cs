using System.Diagnostics;
using Berth.Protocol.V1;
using Berth.Tests.Integration.Manager;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Members;

/// <summary>Real managers: one grows to three while it is written to.</summary>
public sealed class GrowthTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task The_state_moves_from_one_managers_files_into_etcd_and_no_command_is_refused()
    {
        await using var one = await ClusterManager.FormAsync(1);
        Assert.Equal("sqlite", (await one.Admin.GetClusterAsync(new GetClusterRequest())).Store);
        await one.Process.Client.CreateServiceAsync(new CreateServiceRequest { Spec = Specs.Service("before") });
        using var stop = new CancellationTokenSource();
        var written = new List<string>();
        var slowest = TimeSpan.Zero;
        var writing = Task.Run(async () =>
        {
            for (var number = 1; !stop.IsCancellationRequested; number++)
            {
                var begun = Stopwatch.GetTimestamp();
                await one.Process.Client.CreateServiceAsync(new CreateServiceRequest { Spec = Specs.Service($"web{number}") });
                slowest = Stopwatch.GetElapsedTime(begun) is var took && took > slowest ? took : slowest;
                written.Add($"web{number}");
                await Task.Delay(50, CancellationToken.None);
            }
        }, CancellationToken.None);

        await using var two = await ClusterManager.JoinAsync(2, one);
        await MembersAsync(one, 2, two);
        await using var three = await ClusterManager.JoinAsync(3, one, two);
        await MembersAsync(one, 3, two, three);
        await stop.CancelAsync();
        await writing;

        var status = await one.Admin.GetClusterAsync(new GetClusterRequest());
        Assert.Equal("etcd", status.Store);
        Assert.All(status.Managers, manager => Assert.Equal("started", manager.StoreMember));
        var services = await one.Process.Client.ListServicesAsync(new ListServicesRequest());
        Assert.Superset(written.Append("before").ToHashSet(), services.Services.Select(service => service.Service.Spec.Name).ToHashSet());
        Assert.True(slowest < Deadline);

        Assert.Contains("etcd", await File.ReadAllTextAsync(Path.Combine(one.Process.DataDirectory, "manager.json")), StringComparison.Ordinal);
    }

    private static async Task MembersAsync(ClusterManager asked, int count, params ClusterManager[] joining)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            var status = await asked.Admin.GetClusterAsync(new GetClusterRequest());
            if (status.Managers.Count == count && status.Managers.All(manager => manager.StoreMember == "started"))
                return;
            Assert.True(waited.Elapsed < Deadline, $"{status}\n{asked.Process.Said}\n{string.Join("\n---\n", joining.Select(one => one.Process.Said))}");
            await Task.Delay(100);
        }
    }
}
