using Berth.Protocol.V1;
using Berth.Tests.Integration.Manager;
using Microsoft.Data.Sqlite;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Access;

/// <summary>The key that rows are sealed under changes while everything goes on.</summary>
public sealed class KeyRotationTests
{
    [Fact]
    public async Task After_a_rotation_no_row_names_an_earlier_key_and_everything_is_there()
    {
        await using var manager = await ManagerProcess.StartNewAsync();
        var admin = new ClusterAdmin.ClusterAdminClient(manager.Channel);
        var keys = new HashSet<string>();
        for (var round = 0; round < 3; round++)
        {
            await manager.Client.CreateServiceAsync(new CreateServiceRequest { Spec = Specs.Service($"web{round}") });
            var writing = Task.WhenAll(Enumerable.Range(0, 20).Select(number =>
                manager.Client.CreateServiceAsync(new CreateServiceRequest { Spec = Specs.Service($"more{round}x{number}") }).ResponseAsync));
            Assert.True(keys.Add((await admin.RotateDataKeysAsync(new RotateDataKeysRequest())).KeyId));
            await writing;
        }
        await manager.KillAsync();
        await manager.StartAsync();

        Assert.Equal(63, (await manager.Client.ListServicesAsync(new ListServicesRequest())).Services.Count);
        var file = File.ReadAllText(Path.Combine(manager.DataDirectory, "keys.json"));
        Assert.Single(file.Split("\"secret\"").Skip(1));
        Assert.Contains(keys.Last(), file);
        await manager.KillAsync();
        Assert.Equal([keys.Last()], KeysNamed(manager, "journal.db", "SELECT message FROM journal WHERE NOT deleted")
            .Concat(KeysNamed(manager, "snapshots.db", "SELECT snapshot FROM snapshot")).Distinct());
    }

    private static List<string> KeysNamed(ManagerProcess manager, string file, string rows)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(manager.DataDirectory, file)};Pooling=false");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = rows;
        using var reader = command.ExecuteReader();
        var found = new List<string>();
        while (reader.Read())
            found.Add(BitConverter.ToUInt64((byte[])reader.GetValue(0), 1).ToString("x16", System.Globalization.CultureInfo.InvariantCulture));
        return found;
    }
}
