namespace Berth.Tests.Integration.Stores;

public sealed class SqliteContractTests : StoreContract
{
    protected override bool IsShared => false;

    protected override Task<IStorePlace> NewPlaceAsync() => Task.FromResult<IStorePlace>(new SqlitePlace());
}
