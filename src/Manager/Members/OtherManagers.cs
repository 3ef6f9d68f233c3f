using Akka.Actor;
using Akka.Hosting;
using Berth.Manager.Leadership;
using Berth.Manager.Store;
using Berth.Model;
using Microsoft.Extensions.Logging;

namespace Berth.Manager.Members;

/// <summary>What a manager keeps of the others on its disk; and, after a recovery or a restored backup, that there are none.</summary>
public sealed class OtherManagers(
    KnownManagers known, MemberPlace place, IClusterView view, ILeadership leadership, IRequiredActor<StoreActor> store, ILogger<OtherManagers> log)
{
    private static readonly TimeSpan StoreTime = TimeSpan.FromSeconds(10);

    private string _failure = "";

    /// <summary>Has it as it should be. A full disk or a store that does not answer must not end the manager: the next time tries again.</summary>
    public async Task KeepAsync(CancellationToken cancellation)
    {
        var failure = "";
        try
        {
            await ForgetAsync(cancellation);
            known.Save(ManagerEndpoints.Of(view.Current).Select(manager => manager.Url));
        }
        catch (Exception error) when (error is IOException or InvalidDataException or UnauthorizedAccessException or AskTimeoutException)
        {
            failure = error.Message;
            if (failure != _failure)
                log.LogWarning("What this manager keeps of the others is not as it should be: {Reason}; tried again every second", failure);
        }
        _failure = failure;
    }

    // After a recovery others are managers no more: what they had is lost, or must not be believed.
    private async Task ForgetAsync(CancellationToken cancellation)
    {
        if (!known.IsRecovered || !leadership.IsLeading || !leadership.HasValidLease)
            return;
        var actor = await store.GetAsync(cancellation);
        foreach (var other in view.Current.Nodes.Values.Where(node => node.Spec.Role == NodeRole.Manager && node.Id != place.Node))
        {
            var answer = await actor.Ask<object>(new StoreProtocol.Execute(new Command.SetNodeRole(other.Id.ToString(), NodeRole.Worker)), StoreTime, cancellation);
            if (answer is not StoreProtocol.Executed)
                throw new IOException($"'{other.Description.Hostname}' is still a manager, without whom this one was recovered: {answer}");
            log.LogWarning("{Node} is no manager any more: this one was recovered without it", other.Description.Hostname);
        }
        if (view.Current.Nodes.Values.Count(node => node.Spec.Role == NodeRole.Manager) <= 1)
            known.Recovered();
    }
}
