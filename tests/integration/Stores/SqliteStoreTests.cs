using System.Diagnostics;
using Berth.Manager.Keys;
using Berth.Manager.Store;
using Microsoft.Data.Sqlite;

namespace Berth.Tests.Integration.Stores;

/// <summary>What only the SQLite files do: races with another process that has them open, and full disks.</summary>
public sealed class SqliteStoreTests
{
    private readonly RowKeys _keys = new(KeyRing.Create(DateTimeOffset.UnixEpoch), "keys.json");

    [Fact]
    public async Task A_write_that_waits_for_a_takeover_inserts_nothing()
    {
        await using var place = new SqlitePlace();
        await using var old = await LeadAsync(place);
        await old.AppendAsync(3);
        await using var raw = new SqliteConnection($"Data Source={place.Directory}/journal.db;Pooling=false");
        await raw.OpenAsync();
        await using var takeover = raw.BeginTransaction(deferred: false);
        Run(raw, "UPDATE leader SET epoch = epoch + 1");

        var stale = old.AppendAsync(10);
        await Task.Delay(TimeSpan.FromSeconds(1));
        Assert.False(stale.IsCompleted);
        await takeover.CommitAsync();

        Assert.True(FencedException.IsIn(await Record.ExceptionAsync(() => stale)));
        Assert.Equal(3L, Run(raw, "SELECT count(*) FROM journal"));
    }

    [SkippableFact]
    public async Task A_full_disk_is_said_and_nothing_of_the_write_is_kept()
    {
        await using var place = new SqlitePlace();
        Skip.If(await MountAsync("-t", "tmpfs", "-o", "size=2m", "tmpfs", place.Directory) != 0, "nothing can be mounted here");
        try
        {
            var acknowledged = 0L;
            await using (var store = await LeadAsync(place))
            {
                var full = await Assert.ThrowsAnyAsync<Exception>(async () =>
                {
                    for (; ; )
                        acknowledged = await store.AppendAsync(100);
                });
                Assert.Contains("full", full.ToString(), StringComparison.Ordinal);
            }
            Assert.Equal(0, await MountAsync("-o", "remount,size=16m", place.Directory));
            await using var again = await LeadAsync(place);
            Assert.Equal(acknowledged, (await again.RecoveredAsync()).Rows.Length);
            Assert.Equal(acknowledged + 1, await again.AppendAsync(1));
        }
        finally
        {
            using var unmount = Process.Start("umount", ["-l", place.Directory]);
            await unmount.WaitForExitAsync();
        }
    }

    private async Task<StoreSession> LeadAsync(SqlitePlace place)
    {
        var session = await StoreSession.OpenAsync(place, _keys);
        await session.TakeAsync();
        return session;
    }

    private static async Task<int> MountAsync(params string[] arguments)
    {
        using var mount = Process.Start("mount", arguments);
        await mount.WaitForExitAsync();
        return mount.ExitCode;
    }

    private static object? Run(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }
}
