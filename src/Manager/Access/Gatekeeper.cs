using Berth.Manager.Store;
using Berth.Protocol;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Berth.Manager.Access;

/// <summary>Asks <see cref="AccessDecider"/> about each call, and has every refusal and change written down.</summary>
internal sealed class Gatekeeper(
    Callers callers, IClusterView view, AuditLog audit, TimeProvider time, AuditPlace place, ILogger<Gatekeeper> log)
{
    /// <summary>How often an open stream is looked at again.</summary>
    public static readonly TimeSpan LookAgainEvery = TimeSpan.FromSeconds(1);

    private static readonly string[] ForPeople = ["/berth.v1.Control/", "/berth.v1.ClusterAdmin/"];

    public TimeProvider Time => time;

    public Caller CallerOf(HttpContext call) => callers.Of(call);

    /// <summary>Why the caller may not make the call, whatever is in it; null when he may.</summary>
    public string? Refuse(string path, Caller caller) => AccessDecider.Refuse(CallRules.Of(path), caller, view.Current, time.GetUtcNow());

    /// <summary>Refuses a call for what is in its first message.</summary>
    public async Task CheckAsync(string path, CallRule rule, Caller caller, IMessage first)
    {
        if (AccessDecider.Refuse(rule, caller, view.Current, first) is { } reason)
            throw await RefusedAsync(path, caller, Subject(rule, first), reason);
    }

    /// <summary>Refuses what a person's newer tool asks for and this manager would leave out. Agents and managers of neighbouring releases may say more
    /// than is known here: docs/decisions/0022-release-levels.md.</summary>
    public async Task CheckKnownAsync(string path, CallRule rule, Caller caller, IMessage first)
    {
        if (caller.Kind is not (CallerKind.Client or CallerKind.LocalRoot) || !ForPeople.Any(service => path.StartsWith(service, StringComparison.Ordinal)))
            return;
        if (UnknownFields.Problem(first, ReleaseLevel.Own) is not { } problem)
            return;
        if (rule.IsAudited)
            await FailedAsync(path, rule, caller, Subject(rule, first), $"refused: {problem}");
        throw new RpcException(new Status(StatusCode.FailedPrecondition, problem));
    }

    /// <summary>Writes down that what was sent is no message of the call, and says it to the caller.</summary>
    public async Task<RpcException> UnreadableAsync(string path, Caller caller)
    {
        await RefusedAsync(path, caller, "", AccessInterceptor.Unreadable.Detail);
        return new RpcException(AccessInterceptor.Unreadable);
    }

    /// <summary>Writes a refusal down, and says it to the caller.</summary>
    public async Task<RpcException> RefusedAsync(string path, Caller caller, string subject, string reason)
    {
        await NoteRefusalAsync(path, caller, subject, $"refused: {reason}");
        return new RpcException(new Status(Code(caller), $"not allowed: {reason}"));
    }

    /// <summary>Writes down that an audited call failed. Where everyone may call, that is a refusal like any other: who knocks with
    /// wrong tokens without end does not push out what others did.</summary>
    public Task FailedAsync(string path, CallRule rule, Caller caller, string subject, string outcome) =>
        rule.Audience == Audience.Everyone ? NoteRefusalAsync(path, caller, subject, outcome) : DoneAsync(path, caller, subject, outcome);

    /// <summary>Writes down a connection on which nobody came to call.</summary>
    public async Task RefusedConnectionAsync(string from, string reason)
    {
        try
        {
            await audit.RefusedAsync(Record("connection", new Caller(CallerKind.Anonymous, "", from), "", $"refused: {reason}"));
        }
        catch (IOException error)
        {
            log.LogError("A refused connection from {From} was not written down: {Problem}", from, error.Message);
        }
    }

    /// <summary>Writes down how a call ended. A caller whose line cannot be written is not told that it is done.</summary>
    public async Task DoneAsync(string path, Caller caller, string subject, string outcome)
    {
        try
        {
            await audit.WriteAsync(Record(path, caller, subject, outcome));
        }
        catch (IOException error)
        {
            throw new RpcException(new Status(
                StatusCode.Unavailable, $"this took effect ({outcome}), but it could not be written down who did it: {error.Message}"));
        }
    }

    /// <summary>What the call is about, for the audit log.</summary>
    public string Subject(CallRule rule, IMessage first) =>
        string.Join(", ", rule.Subjects(view.Current, first).Take(20).Select(subject => subject.Name).Distinct());

    /// <summary>Who is not known is asked to prove it; who is known may not.</summary>
    public static StatusCode Code(Caller caller) => caller.Kind == CallerKind.Anonymous ? StatusCode.Unauthenticated : StatusCode.PermissionDenied;

    private async Task NoteRefusalAsync(string path, Caller caller, string subject, string outcome)
    {
        try
        {
            await audit.RefusedAsync(Record(path, caller, subject, outcome));
        }
        catch (IOException error)
        {
            // It stays refused; that it is not written down stands in the manager's log.
            log.LogError("A refusal of {Call} to {Caller} was not written down: {Problem}", path, caller.Name, error.Message);
        }
    }

    private AuditRecord Record(string path, Caller caller, string subject, string outcome)
    {
        var from = caller.Via is { } manager ? $"{caller.From} by way of {AccessDecider.Describe(manager, view.Current)}" : caller.From;
        return new AuditRecord(
            time.GetUtcNow(), AccessDecider.Describe(caller, view.Current), ShortName(path), subject, outcome, from, place.Manager);
    }

    // /berth.v1.Control/DeployStack → Control/DeployStack
    private static string ShortName(string path)
    {
        var name = path.TrimStart('/');
        var dot = name.LastIndexOf('.', Math.Max(0, name.IndexOf('/', StringComparison.Ordinal)));
        return dot < 0 ? name : name[(dot + 1)..];
    }
}

/// <summary>Where audit lines are written.</summary>
/// <param name="Manager">This manager, for people.</param>
public sealed record AuditPlace(string Manager);
