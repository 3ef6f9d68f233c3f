using Berth.Manager.Journals.Postgres;
using Berth.Manager.Store;

namespace Berth.Tests.Integration.Stores;

public sealed class PostgresContractTests(PostgresFixture fixture) : StoreContract, IClassFixture<PostgresFixture>
{
    protected override async Task<IStorePlace> NewPlaceAsync() => await fixture.NewPlaceAsync();
}

/// <summary>One server for the tests of a class, with a database for each.</summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    private PostgresServer? _server;

    public async Task<PostgresPlace> NewPlaceAsync()
    {
        _server ??= await PostgresServer.StartNewAsync();
        return new PostgresPlace(_server, await _server.NewDatabaseAsync());
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (_server is { } server)
            await server.DisposeAsync();
    }
}

/// <summary>A database of its own.</summary>
public sealed class PostgresPlace(PostgresServer server, string database) : IStorePlace
{
    public PostgresServer Server => server;

    public string Connection => server.Connection(database);

    public IStoreBackend Open(LeaderTerm term) => new PostgresStore(PostgresAddress.Parse(Connection), term, TimeProvider.System);

    public Task KillAsync() => server.KillAsync();

    public Task StartAsync() => server.StartAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
