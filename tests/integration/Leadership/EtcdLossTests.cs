using System.Diagnostics;
using Berth.Protocol.V1;
using Berth.Tests.Integration.Manager;
using Berth.Tests.Integration.Members;
using Grpc.Core;
using Xunit.Abstractions;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Leadership;

/// <summary>Three real managers with an etcd member each lose the host of the one that leads.</summary>
public sealed class EtcdLossTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task A_host_that_loses_power_takes_no_acknowledged_write_with_it()
    {
        await using var one = await ClusterManager.FormAsync(1);
        await using var two = await ClusterManager.JoinAsync(2, one);
        await GrownAsync(one, 2);
        await using var three = await ClusterManager.JoinAsync(3, one, two);
        await GrownAsync(one, 3);
        await two.Process.ServesAsync();
        await three.Process.ServesAsync();
        var before = await WriteAsync("before", 5, one);

        await one.LosePowerAsync();
        var lost = Stopwatch.StartNew();
        var after = await WriteAsync("after", 5, two, three);
        output.WriteLine($"five writes acknowledged {lost.ElapsedMilliseconds} ms after the power was lost");

        foreach (var survivor in new[] { two, three })
        {
            var waited = Stopwatch.StartNew();
            while (!await HasAllAsync(survivor, [.. before, .. after]))
            {
                Assert.True(waited.Elapsed < Deadline, survivor.Process.Said);
                await Task.Delay(50);
            }
        }
    }

    private static async Task<bool> HasAllAsync(ClusterManager manager, List<string> names)
    {
        var services = await manager.Process.Client.ListServicesAsync(new ListServicesRequest());
        return names.All(services.Services.Select(service => service.Service.Spec.Name).ToHashSet().Contains);
    }

    // A call that fails may have taken effect: what follows has another name.
    private static async Task<List<string>> WriteAsync(string prefix, int count, params ClusterManager[] managers)
    {
        var written = new List<string>();
        var waited = Stopwatch.StartNew();
        for (var number = 1; written.Count < count; number++)
        {
            var name = $"{prefix}{number}";
            try
            {
                var manager = managers[number % managers.Length];
                await manager.Process.Client.CreateServiceAsync(new CreateServiceRequest { Spec = Specs.Service(name) }, deadline: CallDeadline.In(2));
                written.Add(name);
            }
            catch (RpcException error)
            {
                Assert.True(waited.Elapsed < Deadline, $"{error.Status}\n{string.Join("\n----\n", managers.Select(manager => manager.Process.Said))}");
                await Task.Delay(20);
            }
        }
        return written;
    }

    private static async Task GrownAsync(ClusterManager asked, int count)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            var status = await asked.Admin.GetClusterAsync(new GetClusterRequest());
            if (status.Managers.Count == count && status.Managers.All(manager => manager.StoreMember == "started"))
                return;
            Assert.True(waited.Elapsed < Deadline, $"{status}\n{asked.Process.Said}");
            await Task.Delay(100);
        }
    }
}
