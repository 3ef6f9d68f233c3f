using Berth.Manager.Journals.Sqlite;
using Berth.Manager.Store;
using Berth.Tests.House;
using Microsoft.Data.Sqlite;

namespace Berth.Tests.Manager.Journals;

public sealed class SqliteFilesTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("berth-files-").FullName;

    [Fact]
    public void Files_of_the_release_before_get_a_record_that_goes_on_where_they_end()
    {
        // Written by berth-manager 0.1.
        File.Copy(Path.Combine(SourceTree.Root, "tests/unit/Manager/Store/Journals/0.1.db"), Path.Combine(_directory, "journal.db"));
        var (rows, newest) = (Number("SELECT count(*) FROM journal"), Number("SELECT max(sequence_number) FROM journal"));
        Assert.Equal(1, Number("PRAGMA user_version"));

        SqliteFiles.Prepare(_directory);
        SqliteFiles.Prepare(_directory);

        Assert.Equal((2, rows, newest), (Number("PRAGMA user_version"), Number("SELECT count(*) FROM journal"), Number("SELECT head FROM leader")));
        var record = new SqliteLeader(_directory, TimeProvider.System).Read();
        Assert.Equal(LeaderRecord.None with { Epoch = record.Epoch }, record);
        Assert.True(record.Epoch > 0);
    }

    [Theory]
    [InlineData("DROP TRIGGER journal_append")]
    [InlineData("DROP TRIGGER journal_truncate; CREATE TRIGGER journal_truncate BEFORE DELETE ON journal BEGIN SELECT 1; END")]
    public void Files_without_their_fence_are_refused(string damage)
    {
        SqliteFiles.Prepare(_directory);
        Run(damage);
        Assert.Contains("fence", Assert.Throws<InvalidDataException>(() => SqliteFiles.Prepare(_directory)).Message);
    }

    [Fact]
    public void Files_of_a_newer_version_are_refused()
    {
        SqliteFiles.Prepare(_directory);
        Run("PRAGMA user_version = 3");
        Assert.Contains("format 3", Assert.Throws<InvalidDataException>(() => SqliteFiles.Prepare(_directory)).Message);
    }

    [Fact]
    public void Programs_that_do_not_know_the_fence_cannot_write()
    {
        SqliteFiles.Prepare(_directory);
        var refused = Assert.Throws<SqliteException>(() => Run(
            "INSERT INTO journal (created, deleted, persistence_id, sequence_number, message) VALUES (0, 0, 'cluster', 1, x'00')"));
        Assert.Contains("berth_epoch", refused.Message);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private long Number(string sql) => Convert.ToInt64(Run(sql), System.Globalization.CultureInfo.InvariantCulture);

    private object? Run(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={_directory}/journal.db;Pooling=false");
        connection.Open();
        return SqliteFiles.Run(connection, sql);
    }
}
