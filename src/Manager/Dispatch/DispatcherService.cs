using Akka.Actor;
using Akka.Hosting;
using Berth.Manager.Nodes;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Protocol;
using Grpc.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Status = Grpc.Core.Status;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Dispatch;

/// <summary>Where agents dial in: sessions, and relays that were asked for on them.</summary>
public sealed class DispatcherService(
    IRequiredActor<StoreActor> store, IRequiredActor<DispatchActor> dispatch, IRequiredActor<NodesActor> nodes,
    RelayHub relays, TimeProvider time, IHostApplicationLifetime lifetime, ILogger<DispatcherService> log) : V1.Dispatcher.DispatcherBase
{
    private const string Stopping = "the manager is stopping";

    // From the start of a call to its first message, and for each answer of the store.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    public override async Task Session(
        IAsyncStreamReader<V1.AgentMessage> requestStream, IServerStreamWriter<V1.ManagerMessage> responseStream, ServerCallContext context)
    {
        var registration = await ReadRegistrationAsync(requestStream, context.CancellationToken);
        using var session = new AgentSession(registration);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping, session.Closed);
        var reason = "its connection broke";
        try
        {
            if (await ClaimAsync(session, ending.Token) is { } refusal)
            {
                log.LogWarning("Refused node {Node} ({Hostname}): {Reason}", registration.Node, registration.Description.Hostname, refusal);
                await responseStream.WriteAsync(new V1.ManagerMessage { Refused = new V1.Refused { Reason = refusal } }, ending.Token);
                return;
            }
            var index = await RegisterAsync(Registering(registration) with { LocalChains = registration.LocalChains }, ending.Token);
            (await dispatch.GetAsync(ending.Token)).Tell(new DispatchProtocol.Begin(session, index));
            await HoldAsync(session, requestStream, responseStream, ending);
            session.Closed.ThrowIfCancellationRequested();
            reason = session.CloseReason ?? "its agent ended the session";
        }
        catch (Exception error) when (error is not RpcException && ending.IsCancellationRequested)
        {
            reason = session.CloseReason ?? (lifetime.ApplicationStopping.IsCancellationRequested ? Stopping : reason);
            throw new RpcException(new Status(StatusCode.Unavailable, $"{reason}; containers run on, register again"));
        }
        catch (RpcException refused)
        {
            reason = refused.Status.Detail;
            throw;
        }
        catch (IOException)
        {
            // The peer vanished: there is nobody to tell.
        }
        finally
        {
            (await dispatch.GetAsync(CancellationToken.None)).Tell(new DispatchProtocol.Ended(session, session.Farewell ?? reason));
        }
    }

    /// <inheritdoc/>
    public override async Task Relay(
        IAsyncStreamReader<V1.RelayFromAgent> requestStream, IServerStreamWriter<V1.RelayToAgent> responseStream, ServerCallContext context)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        if (!await FirstAsync(requestStream, ending.Token)
            || requestStream.Current.MessageCase != V1.RelayFromAgent.MessageOneofCase.RelayId)
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, "a relay begins with the id it was asked for with"));
        }
        var relay = new Relay(requestStream, responseStream, ending.Token);
        if (!relays.TryHandOver(requestStream.Current.RelayId, relay))
            throw new RpcException(new Status(StatusCode.NotFound, "nobody waits for this relay; who asked for it has gone, or it was never asked for"));

        await relay.Done.WaitAsync(ending.Token);
    }

    private async Task<Registration> ReadRegistrationAsync(IAsyncStreamReader<V1.AgentMessage> requests, CancellationToken cancellation)
    {
        if (!await FirstAsync(requests, cancellation) || requests.Current.Register is not { } register)
            throw new RpcException(new Status(StatusCode.InvalidArgument, "a session begins with a registration"));
        return Reading(() => Registration.Read(register, time.GetUtcNow()));
    }

    private async Task<bool> FirstAsync<T>(IAsyncStreamReader<T> requests, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        try
        {
            return await requests.MoveNext(either.Token);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            throw new RpcException(new Status(StatusCode.DeadlineExceeded, $"no first message within {Patience.TotalSeconds:0} s"));
        }
    }

    // Null when the session is its node's own now; else why it is refused for good.
    private async Task<string?> ClaimAsync(AgentSession session, CancellationToken cancellation)
    {
        var actor = await dispatch.GetAsync(cancellation);
        var admission = await actor.Ask<Admission>(new DispatchProtocol.Claim(session), Patience, cancellation);
        return admission.Verdict switch
        {
            AdmissionVerdict.Refuse => admission.Reason,
            AdmissionVerdict.NotYet => throw new RpcException(new Status(StatusCode.Unavailable, admission.Reason)),
            _ => null,
        };
    }

    private async Task<long> RegisterAsync(Command.RegisterNode registration, CancellationToken cancellation)
    {
        var actor = await store.GetAsync(cancellation);
        try
        {
            return await actor.Ask<object>(new StoreProtocol.Execute(registration), Patience, cancellation) switch
            {
                StoreProtocol.Executed executed => executed.Index,
                StoreProtocol.Refused refused => throw new RpcException(new Status(StatusCode.FailedPrecondition, refused.Message)),
                var other => throw new InvalidOperationException($"the store answered a registration with {other.GetType().Name}"),
            };
        }
        catch (NoLeaderException nobody)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, nobody.Message));
        }
        catch (AskTimeoutException)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, $"the store did not take the registration within {Patience.TotalSeconds:0} s; register again"));
        }
    }

    private static Command.RegisterNode Registering(Registration registration) =>
        new(registration.Node, registration.Role, registration.Description);

    private async Task HoldAsync(
        AgentSession session, IAsyncStreamReader<V1.AgentMessage> requests, IServerStreamWriter<V1.ManagerMessage> responses,
        CancellationTokenSource ending)
    {
        var reading = ReadAsync(session, requests, ending.Token);
        var writing = WriteAsync(session, responses, ending.Token);
        try
        {
            await await Task.WhenAny(reading, writing);
        }
        finally
        {
            // The other half would hold the call open; its own end is no news.
            await ending.CancelAsync();
            await Task.WhenAll(reading, writing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task WriteAsync(AgentSession session, IServerStreamWriter<V1.ManagerMessage> responses, CancellationToken cancellation)
    {
        await foreach (var message in session.Outgoing.ReadAllAsync(cancellation))
            await responses.WriteAsync(message, cancellation);
    }

    private async Task ReadAsync(AgentSession session, IAsyncStreamReader<V1.AgentMessage> requests, CancellationToken cancellation)
    {
        var observer = await store.GetAsync(cancellation);
        var watcher = await nodes.GetAsync(cancellation);
        while (await requests.MoveNext(cancellation))
        {
            if (session.Heart.Beat())
                watcher.Tell(new NodesProtocol.HeardAgain(session.Node));
            var message = requests.Current;
            switch (message.MessageCase)
            {
                case V1.AgentMessage.MessageOneofCase.Status:
                    var reports = Reading(() => Registration.ReadReports(message.Status.Tasks, time.GetUtcNow()));
                    observer.Tell(new StoreProtocol.Observe(session.Node, reports));
                    break;
                case V1.AgentMessage.MessageOneofCase.Description:
                    // Not waited for: a store that is slow must not keep this node's beats from being heard.
                    observer.Tell(new StoreProtocol.Execute(Registering(
                        session.Registration with { Description = Reading(() => Registration.Read(message.Description)) })));
                    break;
                case V1.AgentMessage.MessageOneofCase.Heartbeat when message.Heartbeat.Answer:
                    session.Send(new V1.ManagerMessage { Heartbeat = new V1.HeartbeatAnswer() });
                    break;
                case V1.AgentMessage.MessageOneofCase.Ends:
                    session.SayFarewell(message.Ends.HostStops);
                    break;
                case V1.AgentMessage.MessageOneofCase.Register:
                    throw new RpcException(new Status(StatusCode.InvalidArgument, "a session registers once"));
            }
        }
    }

    private static T Reading<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (FormatException error)
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, error.Message));
        }
    }
}
