using System.Data.Common;
using Berth.Manager.Store;
using LinqToDB.Interceptors;
using Npgsql;

namespace Berth.Manager.Journals.Postgres;

/// <summary>Opens each connection of the plugins in a session that carries this process's term, which the tables' triggers ask for.</summary>
internal sealed class PostgresSessions(Func<long, string> connectionString, LeaderTerm term, TimeProvider time) : ConnectionInterceptor
{
    // A server that was restarted leaves broken sessions in the pool. Between writes that follow one another there is no time
    // for that, and asking would cost each of them a round trip.
    private static readonly TimeSpan SurelyAlive = TimeSpan.FromSeconds(1);

    private volatile Session? _newest;
    private long _usedAt;

    /// <inheritdoc/>
    public override void ConnectionOpening(ConnectionEventData eventData, DbConnection connection) => Choose(connection);

    /// <inheritdoc/>
    public override Task ConnectionOpeningAsync(ConnectionEventData eventData, DbConnection connection, CancellationToken cancellationToken)
    {
        Choose(connection);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override async Task ConnectionOpenedAsync(ConnectionEventData eventData, DbConnection connection, CancellationToken cancellationToken)
    {
        var idle = time.GetElapsedTime(Interlocked.Exchange(ref _usedAt, time.GetTimestamp()));
        if (term.Epoch > 0 && idle < SurelyAlive)
            return;
        try
        {
            await AskAsync(connection, cancellationToken);
        }
        catch (NpgsqlException)
        {
            NpgsqlConnection.ClearPool((NpgsqlConnection)connection);
            await connection.CloseAsync();
            await connection.OpenAsync(cancellationToken);
        }
    }

    private static async Task AskAsync(DbConnection connection, CancellationToken cancellation)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT 1";
        await command.ExecuteScalarAsync(cancellation);
    }

    // Each term has its own pool: a session of an earlier term is never used for a later one.
    private void Choose(DbConnection connection)
    {
        var epoch = term.Epoch;
        var session = _newest;
        if (session is null || session.Epoch != epoch)
            _newest = session = new Session(epoch, connectionString(epoch));
        connection.ConnectionString = session.Text;
    }

    private sealed record Session(long Epoch, string Text);
}
