using System.Runtime.InteropServices;
using Berth.Identity;
using Berth.Manager.Identity;
using Berth.Manager.Journals.Etcd;
using Berth.Manager.Journals.Postgres;
using Berth.Manager.Journals.Sqlite;
using Berth.Manager.Members;
using Berth.Manager.Store;
using Microsoft.Extensions.Logging;

namespace Berth.Manager.Hosting;

/// <summary>Opens the store a manager's files name; a manager that has joined and does not know yet where the state is asks the others.</summary>
internal static class ManagerStore
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    // After a change of address others are asked for a certificate that names it; when none answers, the member tries without.
    private static readonly TimeSpan AskForAddress = TimeSpan.FromSeconds(5);

    /// <summary>A manager's place once it is known where the state is: one that has joined asks the others.</summary>
    /// <exception cref="OperationCanceledException">Told to stop while it waited.</exception>
    public static async Task<ManagerPlace?> KnowAsync(string directory, ManagerPlace? place, EarlyLog log, TimeProvider time)
    {
        if (place is null)
            return null;
        using var stop = new StopSignal();
        var (member, entry) = Entry(directory, place, time);
        return place with { File = await KnowAsync(directory, place, member, entry, log, stop.Token) };
    }

    /// <summary>The store, prepared, and the manager's place as its files say now.</summary>
    /// <exception cref="OperationCanceledException">Told to stop while it waited.</exception>
    public static async Task<(IStoreBackend Store, ManagerPlace? Place)> OpenAsync(
        string directory, ManagerPlace? place, LeaderTerm term, ILoggerFactory logs, EarlyLog log, TimeProvider time)
    {
        using var stop = new StopSignal();
        if (place is null)
            return (await PreparedAsync(new SqliteStore(directory, term, time), log, stop.Token), null);

        var (member, entry) = Entry(directory, place, time);
        var file = place.File;
        while (true)
        {
            try
            {
                IStoreBackend store = file.Store switch
                {
                    "etcd" => new EtcdBackend(member.Options(), term, time, logs.CreateLogger<EtcdBackend>()),
                    "postgres" => new PostgresStore(PostgresAddress.Parse(file.Postgres!), term, time),
                    _ => new SqliteStore(directory, term, time),
                };
                return (await PreparedAsync(store, log, stop.Token), place with { File = file });
            }
            catch (StoreMovedException moved)
            {
                Tell(log, $"{moved.Message}; asking the others for it");
                file = (await entry.AskAsync(file, null, what => Tell(log, what), stop.Token))!;
            }
        }
    }

    private static (LocalMember Member, StoreEntry Entry) Entry(string directory, ManagerPlace place, TimeProvider time)
    {
        var member = new LocalMember(MemberPlace.Beside(directory, place.File.NodeId, place.File.Advertise), time);
        return (member, new StoreEntry(member, new KnownManagers(directory), directory, new PeerChannels(place.Tls).Dial, time));
    }

    private static async Task<ManagerFile> KnowAsync(string directory, ManagerPlace place, LocalMember member, StoreEntry entry, EarlyLog log, CancellationToken cancellation)
    {
        // It has a certificate but no state of its own: it has joined, and what its file says of the store is only the default.
        if (place.File.Store == "sqlite" && place.Tls.Current is not null && !File.Exists(Path.Combine(directory, SqliteFiles.JournalFile)))
            return (await entry.AskAsync(place.File, null, what => Tell(log, what), cancellation))!;
        if (place.File.Store == "etcd" && (await member.FollowAddressAsync(cancellation) || await member.IsRemovedAsync(cancellation)))
            return await entry.AskAsync(place.File, AskForAddress, what => Tell(log, what), cancellation) ?? place.File;
        if (place.File.Store != "etcd")
            await member.LeaveAsync(cancellation);
        return place.File;
    }

    private static async Task<IStoreBackend> PreparedAsync(IStoreBackend store, EarlyLog log, CancellationToken cancellation)
    {
        var told = "";
        while (true)
        {
            try
            {
                await store.PrepareAsync(cancellation);
                return store;
            }
            catch (IOException error) when (error is EtcdUnavailableException or PostgresUnavailableException)
            {
                if (told.Length == 0)
                    Tell(log, told = error.Message);
                await Task.Delay(Pause, cancellation);
            }
            catch
            {
                await store.DisposeAsync();
                throw;
            }
        }
    }

    private static void Tell(EarlyLog log, string what) => log.Warning($"waiting for the store: {what}");

    /// <summary>Ends waits when the process is told to stop, before there is a host that listens for that.</summary>
    private sealed class StopSignal : IDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly PosixSignalRegistration _terminated, _interrupted;

        public StopSignal() =>
            (_terminated, _interrupted) = (PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop), PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop));

        public CancellationToken Token => _stop.Token;

        public void Dispose()
        {
            _terminated.Dispose();
            _interrupted.Dispose();
            _stop.Dispose();
        }

        private void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            _stop.Cancel();
        }
    }
}
