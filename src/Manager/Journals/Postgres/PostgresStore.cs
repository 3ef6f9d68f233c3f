using Akka.Actor;
using Akka.Configuration;
using Berth.Manager.Store;
using LinqToDB;
using Npgsql;

namespace Berth.Manager.Journals.Postgres;

/// <summary>The store in a PostgreSQL database that somebody runs anyway.</summary>
public sealed class PostgresStore : IMovableStore
{
    /// <summary>The name of sessions that write, in the server's list of sessions.</summary>
    internal const string WriterName = "berth-manager";

    private const string Provider = "PostgreSQL.15";

    private readonly PostgresAddress _address;
    private readonly LeaderTerm _term;
    private readonly TimeProvider _time;
    private readonly NpgsqlDataSource _leaderSource;
    private readonly PostgresLeader _leader;

    /// <summary>A store at <paramref name="address"/>.</summary>
    /// <param name="address">The database.</param>
    /// <param name="term">What this process leads; fences its writes.</param>
    /// <param name="time">For waits.</param>
    public PostgresStore(PostgresAddress address, LeaderTerm term, TimeProvider time)
    {
        _address = address;
        _term = term;
        _time = time;
        // Seconds are the driver's unit; whoever asks cancels earlier.
        _leaderSource = NpgsqlDataSource.Create(address.With("berth-leader", ["statement_timeout=3000", "lock_timeout=2000"], builder =>
        {
            builder.Timeout = 2;
            builder.CommandTimeout = 2;
            builder.CancellationTimeout = 250;
            builder.MaxPoolSize = 4;
            builder.NoResetOnClose = false;
        }));
        _leader = new PostgresLeader(_leaderSource, address.Place, time);
    }

    /// <inheritdoc/>
    public string Kind => "postgres";

    /// <inheritdoc/>
    public string Place => _address.Place;

    /// <inheritdoc/>
    public string JournalPluginId => "akka.persistence.journal.postgres";

    /// <inheritdoc/>
    public string SnapshotPluginId => "akka.persistence.snapshot-store.postgres";

    /// <inheritdoc/>
    public ILeaderRecord Leader => _leader;

    /// <inheritdoc/>
    public Config Configuration => SqlPlugins.Configuration(this, Provider, PostgresTables.Schema);

    /// <inheritdoc/>
    public async Task PrepareAsync(CancellationToken cancellation)
    {
        try
        {
            await using var source = NpgsqlDataSource.Create(_address.With("berth-prepare", ["statement_timeout=30000"], builder =>
            {
                builder.Timeout = 5;
                builder.Pooling = false;
            }));
            await PostgresSchema.PrepareAsync(source, Place, cancellation);
        }
        catch (Exception error) when (error is NpgsqlException or TimeoutException)
        {
            throw Unavailable(Place, error);
        }
    }

    /// <inheritdoc/>
    public void Bind(ActorSystem system)
    {
        var options = new DataOptions()
            .UseConnectionString(Provider, Session(0))
            .UseInterceptor(new PostgresSessions(Session, _term, _time))
            .UseInterceptor(new FenceErrors());
        SqlPlugins.Bind(system, JournalPluginId, options);
        SqlPlugins.Bind(system, SnapshotPluginId, options);
    }

    /// <inheritdoc/>
    public async Task<long> HeadAsync(CancellationToken cancellation)
    {
        try
        {
            await using var command = _leaderSource.CreateCommand("SELECT head FROM berth.leader");
            return (long)(await command.ExecuteScalarAsync(cancellation))!;
        }
        catch (Exception error) when (error is NpgsqlException or TimeoutException)
        {
            throw Unavailable(Place, error);
        }
    }

    /// <inheritdoc/>
    public async Task ContinueAsync(long head, long epoch, CancellationToken cancellation)
    {
        if (!await _leader.ContinueAsync(head, epoch, cancellation))
            throw new InvalidDataException($"PostgreSQL at {Place} holds a cluster's state already; nothing was changed. Drop its schema berth first, if it is not needed");
    }

    /// <inheritdoc/>
    public Task MarkMovedAsync(string place, long epoch, CancellationToken cancellation) => _leader.MarkMovedAsync(place, epoch, cancellation);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _leaderSource.DisposeAsync();
        foreach (var epoch in (long[])[0, _term.Epoch])
        {
            using var connection = new NpgsqlConnection(Session(epoch));
            NpgsqlConnection.ClearPool(connection);
        }
    }

    /// <summary>The database did not do what it was asked.</summary>
    internal static IOException Unavailable(string place, Exception error) => error is TimeoutException or NpgsqlException { IsTransient: true }
        ? new PostgresUnavailableException($"PostgreSQL at {place} does not answer: {error.GetBaseException().Message}. Check that the server runs and can be reached", error)
        : new IOException($"PostgreSQL at {place} refused what was asked: {error.GetBaseException().Message}. Check its log, and the role and rights in manager.json's connection string", error);

    // A session that a stopped process left in the middle of a write ends by itself after a while.
    private string Session(long epoch) => _address.With(WriterName, [$"berth.epoch={epoch}", "idle_in_transaction_session_timeout=10000"], builder =>
    {
        builder.Timeout = 5;
        builder.CommandTimeout = 30;
        builder.CancellationTimeout = 500;
        builder.MaxPoolSize = 8;
        builder.NoResetOnClose = true;
    });
}

/// <summary>No server answered; it may later.</summary>
public sealed class PostgresUnavailableException(string message, Exception inner) : IOException(message, inner);
