using Berth.Manager.Journals.Sqlite;
using Berth.Manager.Store;

namespace Berth.Tests.Integration.Stores;

/// <summary>A data directory whose lock nobody takes: several processes that each think they are alone.</summary>
public sealed class SqlitePlace : IStorePlace
{
    private readonly DirectoryInfo _directory = System.IO.Directory.CreateTempSubdirectory("berth-sqlite-");

    public string Directory => _directory.FullName;

    public IStoreBackend Open(LeaderTerm term) => new SqliteStore(Directory, term, TimeProvider.System);

    public Task KillAsync() => throw new NotSupportedException("files have no server");

    public Task StartAsync() => throw new NotSupportedException("files have no server");

    public ValueTask DisposeAsync()
    {
        _directory.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }
}
