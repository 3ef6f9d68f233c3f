using Akka.Hosting;
using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Manager.Journals.Sqlite;

/// <summary>Puts the store of a manager that is alone into an actor system.</summary>
public static class SqliteStoreSetup
{
    /// <summary>Starts the store actor on the files of <paramref name="options"/>, which are made when they are missing, and takes
    /// the lead there.</summary>
    /// <param name="builder">The system being built.</param>
    /// <param name="options">Where and how.</param>
    /// <param name="view">Gets every published state.</param>
    /// <param name="failure">Ends the process when the files fail.</param>
    /// <param name="ids">Where new ids come from.</param>
    /// <param name="time">The leader's clock.</param>
    /// <exception cref="InvalidDataException">The files cannot be used.</exception>
    public static AkkaConfigurationBuilder AddStore(
        this AkkaConfigurationBuilder builder, StoreOptions options, ClusterView view, IStoreFailure failure, IdSource ids, TimeProvider time)
    {
        var term = new LeaderTerm();
        SqliteFiles.Prepare(options.Directory);
        var leader = new SqliteLeader(options.Directory, time);
        var taken = leader.TryTake(leader.Read(), new NodeId(ids.Next()), url: "")
            ?? throw new InvalidDataException($"another berth-manager took the lead in '{options.Directory}' just now; stop that one, or choose another directory with --data");
        term.Begin(taken.Epoch);
        return builder.AddStore(new SqliteStore(options.Directory, term, time), new StoreStart { Epoch = taken.Epoch }, options, view, failure, ids, time);
    }
}
