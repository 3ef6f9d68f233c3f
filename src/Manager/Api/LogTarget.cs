using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Manager.Api;

/// <summary>Whose logs are asked for.</summary>
internal static class LogTarget
{
    /// <summary>A service or a task, whichever the reference names; exactly one of the two is returned.</summary>
    public static (Service? Service, ServiceTask? Task) Find(ClusterState state, string reference)
    {
        var service = References.Service(state, reference);
        if (service.Value is { } whole && (whole.Spec.Name == reference || whole.Id.ToString() == reference))
            return (whole, null);
        var task = References.Task(state, reference);
        if (task.Value is { } exact && (exact.Id.ToString() == reference || reference.Contains('.', StringComparison.Ordinal)))
            return (null, exact);

        return (service, task) switch
        {
            ({ Value: { } one }, { Value: { } other }) => throw ApiErrors.Precondition(
                $"'{reference}' could be service {one.Id} ({one.Spec.Name}) or task {other.Id} ({TaskNames.Of(state, other)}); name one by its id"),
            ({ Value: { } one }, { Refusal.Reason: RefusalReason.NotFound }) => (one, null),
            ({ Refusal.Reason: RefusalReason.NotFound }, { Value: { } one }) => (null, one),
            ({ Refusal: { Reason: not RefusalReason.NotFound } refused }, _) => throw ApiErrors.From(refused),
            (_, { Refusal: { Reason: not RefusalReason.NotFound } refused }) => throw ApiErrors.From(refused),
            _ => throw ApiErrors.NotFound($"there is no service or task '{reference}'; see berth service ls"),
        };
    }
}
