using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using Berth.Agent.Session;
using Berth.Agent.Tasks;
using Berth.Telemetry;
using Microsoft.Extensions.Logging;

namespace Berth.Agent.Hosting;

/// <summary>The agent's metrics, on a socket in its data directory and, when asked for, on loopback.</summary>
internal sealed class AgentPages : IAsyncDisposable
{
    /// <summary>The socket's name in the data directory, which only root can enter.</summary>
    public const string SocketName = "agent.sock";

    // sun_path has 108 bytes, the last of them zero.
    private const int LongestPath = 107;

    private readonly MetricsPage _page = new();
    private readonly List<PageServer> _servers = [];

    /// <summary>The page.</summary>
    public MetricsPage Page => _page;

    /// <summary>Shows what the agent knows of itself.</summary>
    public void Show(string version, SessionParts parts, ManagerLink link)
    {
        ProcessMetrics.Show(_page, "berth-agent", version);
        TaskMetrics.Show(_page, parts.Board, parts.Health);
        _page.Observe("berth.session.open", MetricKind.Gauge, "1 while a manager has this agent, else 0.", () => link.IsConnected ? 1 : 0);
        _page.Observe("berth.certificate.not_after", MetricKind.Gauge, "When this process's certificate expires, Unix time.", () =>
            parts.Membership.Identity?.Current is { } current ? [new Measurement<double>(current.Subject.NotAfter.ToUnixTimeSeconds())] : [], "s");
    }

    /// <summary>Serves it.</summary>
    /// <exception cref="IOException">The loopback address is taken.</exception>
    public void Serve(string data, IPEndPoint? loopback, ILogger log)
    {
        var pages = new Dictionary<string, Func<string>> { ["/metrics"] = _page.Text };
        var path = Path.Combine(Path.GetFullPath(data), SocketName);
        if (path.Length <= LongestPath)
            Serve(new UnixDomainSocketEndPoint(path), pages, log);
        else
            log.LogWarning("metrics are not served on {Path}: a socket's path has at most {Most} characters; choose a shorter --data", path, LongestPath);
        if (loopback is not null)
            _servers.Add(PageServer.Listen(loopback, pages, log));
    }

    // Nobody asked for the socket: an agent that cannot have it runs its tasks all the same.
    private void Serve(UnixDomainSocketEndPoint address, Dictionary<string, Func<string>> pages, ILogger log)
    {
        try
        {
            _servers.Add(PageServer.Listen(address, pages, log));
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            log.LogWarning("metrics are not served: {Reason}", refused.Message);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
            await server.DisposeAsync().ConfigureAwait(false);
        _page.Dispose();
    }
}
