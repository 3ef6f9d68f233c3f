using Berth.Cli.Client;
using Berth.Cli.Output;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Waiting;

/// <summary>Waits until services are as a command asked, and says why where they are not.</summary>
internal sealed class ServiceWait(CommandContext context, ManagerClient client, WaitOptions options)
{
    private readonly Dictionary<string, RolloutState> _first = new(StringComparer.Ordinal);
    private ServicesProgress? _before;

    /// <summary>Waits for all of <paramref name="awaited"/>, or says how to follow them when detached.</summary>
    /// <param name="awaited">What the command changed.</param>
    /// <param name="howToFollow">A command that shows how it goes on.</param>
    /// <param name="cancel">Ctrl-C.</param>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public async Task<int> Run(IReadOnlyList<Awaited> awaited, string howToFollow, CancellationToken cancel)
    {
        if (awaited.Count == 0)
            return ExitCode.Done;
        if (options.Detach)
        {
            context.Terminal.Note($"not waited for; follow it with: {howToFollow}");
            return ExitCode.Done;
        }

        var request = new FollowServicesRequest();
        request.Services.AddRange(awaited.Select(service => service.Id));
        var (ends, code) = await new Waiter(context, client, options).Run(
            token => client.Follow("follow services", (control, call) => control.FollowServices(request, call), token),
            (ProgressDisplay display, ServicesProgress now) => See(display, now, awaited),
            howToFollow,
            cancel);
        if (ends is not null)
            return await Report(ends, cancel);
        foreach (var line in Missing(awaited))
            context.Terminal.Note($"  {line}");
        return code;
    }

    // What the last word was on each service that is not as awaited.
    private IEnumerable<string> Missing(IReadOnlyList<Awaited> awaited) =>
        from service in _before?.Services ?? []
        where awaited.Any(other => other.Id == service.Id && WaitEnd.Judge(other, service, _first[service.Id]) is null)
        select $"{service.Name}: {service.Running}/{service.Desired} running{(service.Reason.Length > 0 ? $": {service.Reason}" : "")}";

    private List<(Awaited Awaited, ServiceProgress Now, WaitEnd End)>? See(ProgressDisplay display, ServicesProgress now, IReadOnlyList<Awaited> awaited)
    {
        foreach (var service in now.Services)
            _first.TryAdd(service.Id, service.Rollout?.State ?? RolloutState.Unspecified);
        Adapt(now, awaited);
        display.Show(ServiceProgressText.View(now, display.Height), ServiceProgressText.Changes(_before, now));
        _before = now;

        var ends = new List<(Awaited, ServiceProgress, WaitEnd)>();
        foreach (var service in awaited)
        {
            if (now.Services.FirstOrDefault(other => other.Id == service.Id) is not { } progress
                || WaitEnd.Judge(service, progress, _first[service.Id]) is not { } end)
                return null;
            ends.Add((service, progress, end));
        }
        return ends;
    }

    // A manager that has forgotten a service calls it and its tasks by its id; whoever asked knows the name. And a rollback
    // that was over before the command is not what became of the command.
    private void Adapt(ServicesProgress now, IReadOnlyList<Awaited> awaited)
    {
        foreach (var service in now.Services)
        {
            if (awaited.FirstOrDefault(other => other.Id == service.Id) is not { } known)
                continue;
            service.Name = known.Name;
            foreach (var row in service.Tasks.Where(row => row.Name.StartsWith(service.Id + ".", StringComparison.Ordinal)))
                row.Name = known.Name + row.Name[service.Id.Length..];
            if (known.End == AwaitedEnd.Converged && service.Verdict == ServiceProgress.Types.Verdict.RolledBack
                && WaitEnd.Judge(known, service, _first[service.Id]) == WaitEnd.Reached)
                service.Verdict = ServiceProgress.Types.Verdict.Converged;
        }
    }

    private async Task<int> Report(IEnumerable<(Awaited Awaited, ServiceProgress Now, WaitEnd End)> ends, CancellationToken cancel)
    {
        var code = ExitCode.Done;
        foreach (var (awaited, now, end) in ends)
        {
            if (end.Failure is null)
                continue;
            code = ExitCode.Failed;
            context.Terminal.Note($"error: service '{awaited.Name}' {end.Failure}");
            if (now.Verdict == ServiceProgress.Types.Verdict.Removed)
            {
                context.Terminal.Note("  next: berth service ls");
                continue;
            }
            foreach (var line in await Reasons(awaited, now, cancel))
                context.Terminal.Note($"  {line}");
            context.Terminal.Note($"  next: berth service ps --no-trunc {awaited.Name}; then deploy or update again, or: berth service rollback {awaited.Name}");
        }
        return code;
    }

    private async Task<IReadOnlyList<string>> Reasons(Awaited awaited, ServiceProgress now, CancellationToken cancel)
    {
        var request = new ListTasksRequest();
        request.Services.Add(awaited.Id);
        try
        {
            var rows = await client.ReadAll("list tasks", (control, call) => control.ListTasks(request, call), cancel);
            return FailedTasks.Explain(rows, now.Rollout);
        }
        catch (UserError error)
        {
            return [$"its tasks cannot be listed: {error.Message}"];
        }
    }
}
