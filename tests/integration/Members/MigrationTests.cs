using Berth.Protocol.V1;
using Berth.Tests.Integration.Manager;
using Berth.Tests.Integration.Stores;
using Grpc.Core;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Members;

/// <summary>The state of a real manager moves from store to store, and everything is there each time, also after a start.</summary>
public sealed class MigrationTests
{
    [SkippableFact]
    public async Task A_state_moves_through_all_three_stores_and_back_into_files()
    {
        await using var postgres = await PostgresServer.StartNewAsync();
        var database = postgres.Connection(await postgres.NewDatabaseAsync());
        await using var manager = await ClusterManager.FormAsync(1);
        var expected = new List<string>();
        await WriteAsync(manager, expected, "sqlite");

        foreach (var store in new[] { "etcd", "postgres", "sqlite", "postgres2", "etcd" })
        {
            var kind = store.TrimEnd('2');
            if (store == "postgres2")
            {
                // The database holds what it held when the state left it.
                var refused = await Assert.ThrowsAsync<RpcException>(() => MigrateAsync(manager, kind, database));
                Assert.Equal(StatusCode.FailedPrecondition, refused.StatusCode);
                await WriteAsync(manager, expected, "refused");
                continue;
            }
            await MigrateAsync(manager, kind, kind == "postgres" ? database : "");
            await WriteAsync(manager, expected, $"{store}{expected.Count}");
            await manager.Process.KillAsync();
            await manager.Process.StartAsync();
            var status = await manager.Admin.GetClusterAsync(new GetClusterRequest());
            var services = await manager.Process.Client.ListServicesAsync(new ListServicesRequest());
            Assert.Equal(kind, status.Store);
            Assert.Equal(expected.Order(), services.Services.Select(service => service.Service.Spec.Name).Order());
        }
    }

    [SkippableFact]
    public async Task A_state_comes_back_into_files_in_the_process_that_began_with_some()
    {
        await using var manager = await ClusterManager.FormAsync(1);
        var expected = new List<string>();
        await WriteAsync(manager, expected, "sqlite");

        foreach (var store in new[] { "etcd", "sqlite" })
        {
            await MigrateAsync(manager, store, "");
            await WriteAsync(manager, expected, $"{store}{expected.Count}");
        }
        await manager.Process.KillAsync();
        await manager.Process.StartAsync();

        var services = await manager.Process.Client.ListServicesAsync(new ListServicesRequest());
        Assert.Equal("sqlite", (await manager.Admin.GetClusterAsync(new GetClusterRequest())).Store);
        Assert.Equal(expected.Order(), services.Services.Select(service => service.Service.Spec.Name).Order());
    }

    private static async Task MigrateAsync(ClusterManager manager, string store, string postgres)
    {
        using var call = manager.Admin.MigrateStore(new MigrateStoreRequest { Store = store, Postgres = postgres });
        var isDone = false;
        await foreach (var progress in call.ResponseStream.ReadAllAsync())
            isDone = progress.Done;
        Assert.True(isDone);
    }

    private static async Task WriteAsync(ClusterManager manager, List<string> expected, string name)
    {
        await manager.Process.Client.CreateServiceAsync(new CreateServiceRequest { Spec = Specs.Service(name) });
        expected.Add(name);
    }
}
