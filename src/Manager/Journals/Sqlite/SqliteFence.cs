using System.Data.Common;
using Berth.Manager.Store;
using LinqToDB.Interceptors;
using Microsoft.Data.Sqlite;

namespace Berth.Manager.Journals.Sqlite;

/// <summary>Tells each connection of the plugins in which term this process leads; the tables' triggers ask for it.</summary>
/// <remarks>The triggers do not work without the function: nothing else that opens the files, such as an older manager, can
/// write them by mistake.</remarks>
internal sealed class SqliteFence(LeaderTerm term) : ConnectionInterceptor
{
    /// <summary>The function that triggers call.</summary>
    public const string Function = "berth_epoch";

    /// <inheritdoc/>
    public override void ConnectionOpened(ConnectionEventData eventData, DbConnection connection) => Declare(connection);

    /// <inheritdoc/>
    public override Task ConnectionOpenedAsync(ConnectionEventData eventData, DbConnection connection, CancellationToken cancellationToken)
    {
        Declare(connection);
        return Task.CompletedTask;
    }

    private void Declare(DbConnection connection) => ((SqliteConnection)connection).CreateFunction(Function, () => term.Epoch);
}
