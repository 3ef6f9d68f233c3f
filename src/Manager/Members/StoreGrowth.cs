using Akka.Actor;
using Akka.Hosting;
using Berth.Identity;
using Berth.Manager.Journals.Etcd;
using Berth.Manager.Journals.Postgres;
using Berth.Manager.Journals.Sqlite;
using Berth.Manager.Store;
using Microsoft.Extensions.Logging;

namespace Berth.Manager.Members;

/// <summary>Moves the state of a manager from its own files into a store that several managers reach.</summary>
public sealed class StoreGrowth(
    string dataDirectory, LocalMember local, ActiveStore active, StoreMover mover, IClusterView view, IRequiredActor<StoreActor> store,
    TimeProvider time, ILoggerFactory logs)
{
    private const string Earlier = ".moved";

    private static readonly TimeSpan StoreTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan EtcdStarts = TimeSpan.FromSeconds(30);

    /// <summary>The connection string of PostgreSQL; null where the state is not there.</summary>
    public string? PostgresSettings => ManagerFile.Load(dataDirectory)?.Postgres;

    /// <summary>Starts etcd on this host and moves the state into it.</summary>
    /// <exception cref="EtcdUnavailableException">etcd did not start; nothing was changed.</exception>
    public async Task IntoEtcdAsync(CancellationToken cancellation)
    {
        var cluster = view.Current.ClusterId?.ToString() ?? throw new InvalidOperationException("the cluster has no id yet");
        await local.FormAsync(await AuthorityAsync(cancellation), cluster, cancellation);
        await local.AnswersAsync(EtcdStarts, cancellation);
        var term = new LeaderTerm();
        var etcd = new EtcdBackend(local.Options(), term, time, logs.CreateLogger<EtcdBackend>());
        await etcd.PrepareAsync(cancellation);
        await MoveAsync(new StoreTarget(etcd, term, IsShared: true), file => file with { Store = "etcd", Postgres = null }, cancellation);
    }

    /// <summary>Moves the state into a store that is prepared.</summary>
    /// <param name="target">The store.</param>
    /// <param name="settings">What manager.json says of it.</param>
    /// <param name="cancellation">Gives up, while that is possible.</param>
    public async Task MoveAsync(StoreTarget target, Func<ManagerFile, ManagerFile> settings, CancellationToken cancellation)
    {
        var file = ManagerFile.Load(dataDirectory) ?? throw new InvalidOperationException("a manager without a manager.json is alone");
        var before = active.Backend;
        await mover.MoveAsync(before, target, () =>
        {
            settings(file).Save(dataDirectory);
            active.Become(target.Backend);
            return Task.CompletedTask;
        }, cancellation);
        // Its files may come back to be written to, by other connections.
        if (before is SqliteStore)
            await before.DisposeAsync();
    }

    /// <summary>Moves the state into PostgreSQL.</summary>
    /// <exception cref="InvalidDataException">It cannot be used; nothing was changed.</exception>
    public async Task IntoPostgresAsync(string settings, CancellationToken cancellation)
    {
        var term = new LeaderTerm();
        var store = new PostgresStore(PostgresAddress.Parse(settings), term, time);
        await store.PrepareAsync(cancellation);
        await MoveAsync(new StoreTarget(store, term, IsShared: true), file => file with { Store = "postgres", Postgres = settings }, cancellation);
    }

    /// <summary>Moves the state of a manager that is the only one into files of its own.</summary>
    public async Task IntoFilesAsync(CancellationToken cancellation)
    {
        // What is there is of before it moved away: it is kept, under another name.
        foreach (var path in Directory.EnumerateFiles(dataDirectory, "*.db*").Where(path => !path.Contains(Earlier, StringComparison.Ordinal)).ToList())
            File.Move(path, path + Earlier, overwrite: true);
        var term = active.FilesTerm;
        var store = new SqliteStore(dataDirectory, term, time);
        await store.PrepareAsync(cancellation);
        await MoveAsync(new StoreTarget(store, term, IsShared: false), file => file with { Store = "sqlite", Postgres = null }, cancellation);
    }

    private async Task<StoreAuthority> AuthorityAsync(CancellationToken cancellation)
    {
        if (view.Current.StoreAuthority is { } known)
            return known;
        var actor = await store.GetAsync(cancellation);
        var answer = await actor.Ask<object>(new StoreProtocol.Execute(new Command.SetStoreAuthority(EtcdAuthority.Create(time.GetUtcNow()))), StoreTime, cancellation);
        return answer is StoreProtocol.Executed { Result: CommandResults.StoreAuthorityIs kept }
            ? kept.Authority
            : throw new IOException($"etcd's authority could not be kept: {answer}");
    }
}
