using Berth.Identity;
using Grpc.Core;
using Grpc.Net.Client;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Members;

/// <summary>A manager asks the others where the state is and for its share of it, before it starts.</summary>
public sealed class StoreEntry(LocalMember member, KnownManagers known, string dataDirectory, Func<string, GrpcChannel> dial, TimeProvider time)
{
    // The leader may start etcd, move the state and wait for a listener in front.
    private static readonly TimeSpan CallTime = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>Asks until somebody answers, and has this host's files say what was told.</summary>
    /// <param name="file">What <c>manager.json</c> says now.</param>
    /// <param name="patience">How long to ask; null: for as long as it takes.</param>
    /// <param name="tell">Told why nobody answered, each time it is another reason.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>What <c>manager.json</c> says then; null when nobody answered in time.</returns>
    public async Task<ManagerFile?> AskAsync(ManagerFile file, TimeSpan? patience, Action<string> tell, CancellationToken cancellation)
    {
        var told = "";
        for (var begun = time.GetTimestamp(); ;)
        {
            foreach (var url in known.Load().Where(url => url != file.Url))
            {
                using var channel = dial(url);
                try
                {
                    using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                    deadline.CancelAfter(CallTime);
                    var ticket = await new V1.Members.MembersClient(channel).GetStoreAsync(member.Request(), cancellationToken: deadline.Token);
                    return await TakeAsync(file, ticket, cancellation);
                }
                catch (RpcException error) when (!cancellation.IsCancellationRequested)
                {
                    var reason = error.Status.DebugException?.GetBaseException().Message ?? error.Status.Detail;
                    if (reason != told)
                        tell($"{url}: {told = reason}");
                }
            }
            if (patience is { } limit && time.GetElapsedTime(begun) > limit)
                return null;
            await Task.Delay(Pause, time, cancellation);
        }
    }

    private async Task<ManagerFile> TakeAsync(ManagerFile file, V1.StoreTicket ticket, CancellationToken cancellation)
    {
        if (ticket.Etcd is { } etcd)
            await member.JoinAsync(etcd, cancellation);
        var taken = file with { Store = ticket.Kind, Postgres = ticket.Kind == "postgres" ? ticket.Postgres : null };
        if (taken != file)
            taken.Save(dataDirectory);
        return taken;
    }
}
