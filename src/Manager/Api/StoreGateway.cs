using Akka.Actor;
using Berth.Manager.Store;
using Berth.Telemetry;

namespace Berth.Manager.Api;

/// <summary>The one way from a call to the store: a command in, its durable result or a gRPC status out.</summary>
/// <param name="store">The store actor.</param>
/// <param name="patience">How long a command may take before its caller is told that nobody knows.</param>
internal sealed class StoreGateway(IActorRef store, TimeSpan patience)
{
    /// <summary>More than a commit ever takes on a disk that works, and less than <c>berth</c> waits for an answer (15 s): the
    /// caller is told that his change may still take effect, instead of giving up first.</summary>
    public static readonly TimeSpan DefaultPatience = TimeSpan.FromSeconds(10);

    /// <summary>Executes <paramref name="command"/>.</summary>
    /// <typeparam name="TResult">What the store answers to this kind of command.</typeparam>
    /// <param name="command">What is asked.</param>
    /// <param name="check">The command line that shows whether it took effect, for a caller who cannot be told.</param>
    /// <param name="cancellation">The caller went away; the command may still take effect.</param>
    public async Task<(long Index, TResult Result)> ExecuteAsync<TResult>(Command command, string check, CancellationToken cancellation)
        where TResult : class
    {
        object answer;
        try
        {
            answer = await store.Ask<object>(new StoreProtocol.Execute(command) { Trace = BerthTrace.Parent }, patience, cancellation);
        }
        catch (AskTimeoutException)
        {
            throw ApiErrors.Unavailable(
                $"the manager did not acknowledge this within {patience.TotalSeconds:0} s; it may still take effect: check with {check}");
        }
        catch (NoLeaderException nobody)
        {
            throw ApiErrors.Unavailable($"{nobody.Message}; nothing was changed, call again");
        }

        return answer switch
        {
            StoreProtocol.Executed { Result: TResult result } executed => (executed.Index, result),
            StoreProtocol.Refused refused => throw ApiErrors.From(refused),
            Status.Failure failure => throw ApiErrors.Unavailable(
                $"the manager could not write: {failure.Cause?.Message}; check with {check}, and look at the manager's log"),
            _ => throw new InvalidOperationException($"the store answered {command.GetType().Name} with {answer.GetType().Name}"),
        };
    }
}
