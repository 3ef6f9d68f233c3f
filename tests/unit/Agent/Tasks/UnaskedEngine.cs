using Berth.Agent.Engine;

namespace Berth.Tests.Agent.Tasks;

/// <summary>An engine that a test asks nothing of but what it overrides.</summary>
internal abstract class UnaskedEngine : IEngine
{
    public virtual Task<string> CreateAsync(ContainerRequest request, CancellationToken cancellation) => throw NotAsked();

    public virtual Task PullAsync(string image, CancellationToken cancellation) => throw NotAsked();

    public Task<EngineFacts> ConnectAsync(CancellationToken cancellation) => throw NotAsked();

    public Task PingAsync(CancellationToken cancellation) => throw NotAsked();

    public Task StartAsync(string container, CancellationToken cancellation) => throw NotAsked();

    public Task StopAsync(string container, TimeSpan grace, CancellationToken cancellation) => throw NotAsked();

    public Task RemoveAsync(string container, CancellationToken cancellation) => throw NotAsked();

    public Task<ContainerFacts?> InspectAsync(string container, CancellationToken cancellation) => throw NotAsked();

    public Task<IReadOnlyList<ListedContainer>> ListAsync(string label, CancellationToken cancellation) => throw NotAsked();

    public Task<IEngineEvents> SubscribeAsync(string label, CancellationToken cancellation) => throw NotAsked();

    public IAsyncEnumerable<LogEntry> LogsAsync(string container, LogRequest request, CancellationToken cancellation) => throw NotAsked();

    public Task<IExecution> ExecAsync(string container, ExecRequest request, CancellationToken cancellation) => throw NotAsked();

    private static NotSupportedException NotAsked() => new("this test asks nothing of the kind");
}
