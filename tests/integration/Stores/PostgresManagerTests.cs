using System.Net;
using System.Net.Sockets;
using Berth.Identity;
using Berth.Model;
using Berth.Protocol.V1;
using Berth.Tests.Integration.Manager;
using Npgsql;
using NodeId = Berth.Model.NodeId;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Stores;

/// <summary>A whole manager whose files name a PostgreSQL database.</summary>
public sealed class PostgresManagerTests(PostgresFixture fixture) : IClassFixture<PostgresFixture>
{
    [SkippableFact]
    public async Task What_a_manager_acknowledged_is_in_the_database_and_goes_on_in_the_next_term()
    {
        var place = await fixture.NewPlaceAsync();
        await using var manager = new ManagerProcess();
        Directory.CreateDirectory(manager.DataDirectory);
        using (var free = new TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            new ManagerFile
            {
                NodeId = new NodeId(77),
                Hostname = "berth1",
                Advertise = (IPEndPoint)free.LocalEndpoint,
                Store = "postgres",
                Postgres = place.Connection,
            }.Save(manager.DataDirectory);
        }
        await manager.StartAsync();
        for (var number = 0; number < 20; number++)
            await manager.Client.CreateServiceAsync(new CreateServiceRequest { Spec = Specs.Service($"web{number}") });
        await manager.KillAsync();
        await manager.StartAsync();
        // Until the lease of its earlier life is over it only follows; a change waits for that.
        await manager.Client.CreateServiceAsync(new CreateServiceRequest { Spec = Specs.Service("after") });

        var services = await manager.Client.ListServicesAsync(new ListServicesRequest());
        Assert.Equal(21, services.Services.Count);
        Assert.False(File.Exists(Path.Combine(manager.DataDirectory, "journal.db")));
        Assert.DoesNotContain(PostgresServer.Password, manager.Said, StringComparison.Ordinal);
        await using var connection = new NpgsqlConnection(place.Connection + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT epoch || ' ' || holder FROM berth.leader", connection);
        Assert.Equal($"2 {new NodeId(77)}", await command.ExecuteScalarAsync());
    }
}
