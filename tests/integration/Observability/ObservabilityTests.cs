using System.Formats.Tar;
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using Berth.Identity;
using Berth.Tests.Integration.Access;
using Berth.Tests.Integration.Agent;
using Berth.Tests.Integration.Manager;

namespace Berth.Tests.Integration.Observability;

/// <summary>A real manager, a real agent on a real engine, and the real command line: what can be seen of them from outside.</summary>
public sealed class ObservabilityTests(TestEngine engine) : IClassFixture<TestEngine>, IAsyncLifetime
{
    private const string Planted = "hunter2-do-not-tell";

    private readonly ManagerProcess _manager = new();
    private readonly string _folder = Path.Combine(engine.Directory, Guid.NewGuid().ToString("N")[..8]);
    private TestAgent? _agent;

    public Task InitializeAsync()
    {
        Directory.CreateDirectory(_folder);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        _agent?.Dispose();
        await _manager.DisposeAsync();
    }

    [SkippableFact]
    public async Task One_trace_goes_from_the_command_line_to_the_container_start()
    {
        await using var collector = await TraceCollector.StartAsync();
        var tracing = new Dictionary<string, string> { ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Address.ToString(), ["OTEL_BSP_SCHEDULE_DELAY"] = "200" };
        await StartAsync(tracing);

        var deployed = (await BerthAsync(tracing, "stack", "deploy", "-c", StackFile(), "shop")).Succeeded();

        string[] wanted =
        [
            "berth: berth stack deploy", "berth-manager: /berth.v1.Control/DeployStack", "berth-manager: store append", "berth-manager: orchestrate",
            "berth-manager: schedule", "berth-agent: prepare task", "berth-agent: engine create", "berth-agent: start task", "berth-agent: engine start",
        ];
        await Wait.UntilAsync(
            "every part of the way is in the trace",
            () => Task.FromResult(wanted.All(collector.Spans.Select(span => $"{span.Program}: {span.Name}").Contains)),
            () => $"{collector}\n{_manager.Said}\n{_agent!.Log}");
        var root = Assert.Single(collector.Spans, span => span.Parent.Length == 0);
        Assert.Equal("berth stack deploy", root.Name);
        Assert.Contains($"trace {root.Trace}", deployed.Error);
        Assert.All(collector.Spans, span => Assert.Equal(root.Trace, span.Trace));
        var ids = collector.Spans.Select(span => span.Id).ToHashSet();
        Assert.All(collector.Spans.Where(span => span != root), span => Assert.Contains(span.Parent, ids));
    }

    [SkippableFact]
    public async Task A_bundle_holds_what_helps_and_nothing_secret()
    {
        await StartAsync([]);
        (await BerthAsync([], "stack", "deploy", "-c", StackFile(), "shop")).Succeeded();
        var file = Path.Combine(_folder, "bundle.tar.gz");

        var told = (await BerthAsync([], "debug", "bundle", "-o", file)).Succeeded();

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.Equal(file, told.Output.Trim());
        var files = Unpack(file);
        var host = Environment.MachineName;
        foreach (var name in (string[])[
            "README.txt", "cluster/status.json", "cluster/nodes.json", "cluster/services.json", "cluster/tasks.txt", $"managers/{host}/metrics.txt",
            $"managers/{host}/log.txt", $"managers/{host}/version.txt", $"managers/{host}/audit.txt", "agents/here/metrics.txt", "agents/here/log.txt",
            "agents/here/version.txt", "agents/here/tasks.txt"])
        {
            Assert.True(files.TryGetValue(name, out var content) && content.Length > 0, $"{name} is missing or empty; there is {string.Join(", ", files.Keys)}");
        }
        Assert.Contains("\"DB_PASSWORD=[redacted]\"", files["cluster/services.json"]);
        Assert.Contains("shop_web", files["agents/here/tasks.txt"]);
        Assert.Contains("DeployStack", files[$"managers/{host}/audit.txt"]);
        Assert.Contains("Nothing is missing.", files["README.txt"]);
        Assert.All(files, each => Assert.DoesNotContain(Planted, each.Value));
        // Nor is it in the logs themselves.
        Assert.DoesNotContain(Planted, _manager.Said);
        lock (_agent!.Log)
            Assert.DoesNotContain(Planted, _agent.Log.ToString());
    }

    [SkippableFact]
    public async Task Metrics_of_manager_and_agent_are_on_their_sockets()
    {
        await StartAsync([]);
        (await BerthAsync([], "stack", "deploy", "-c", StackFile(), "shop")).Succeeded();

        using var manager = Client(_manager.Socket, HttpVersion.Version20);
        var page = await manager.GetStringAsync(new Uri("http://manager/metrics"));
        Assert.Contains("\nberth_leader 1\n", page);
        Assert.Contains("\nberth_nodes{state=\"ready\",availability=\"active\"} 1\n", page);
        Assert.Contains("\nberth_tasks{desired=\"running\",state=\"running\"} 1\n", page);
        Assert.Contains("berth_calls_total{method=\"berth.v1.Control/DeployStack\",code=\"OK\"} 1\n", page);
        Assert.Contains("berth_store_append_duration_seconds_count{store=\"sqlite\"} ", page);
        Assert.Contains("berth_build_info{program=\"berth-manager\"", page);

        using var agent = Client(Path.Combine(_folder, "data", "agent.sock"), HttpVersion.Version11);
        page = await agent.GetStringAsync(new Uri("http://agent/metrics"));
        Assert.Contains("\nberth_session_open 1\n", page);
        Assert.Contains("\nberth_containers{phase=\"running\"} 1\n", page);
        Assert.Contains("berth_engine_call_duration_seconds_count{call=\"start\"} 1\n", page);
        Assert.Contains("berth_task_start_duration_seconds_count 1\n", page);

        var both = (await BerthAsync([], "debug", "metrics")).Succeeded().Output;
        Assert.Contains("# agents/here\n", both);
        Assert.Contains("program=\"berth-manager\"", both);
    }

    [Fact]
    public async Task Metrics_are_read_over_tls_by_viewers_and_by_nobody_without_a_certificate()
    {
        await using var manager = await NetworkManager.StartAsync();
        var viewer = await manager.AdmitAsync("vic", "viewer");
        var page = new Uri($"https://{manager.Address}/metrics");
        using HttpClient asViewer = Client(new TlsIdentity(viewer, TimeProvider.System)),
            asNobody = Client(TlsIdentity.WithoutCertificate(viewer.Roots, null, TimeProvider.System));

        Assert.Contains("\nberth_leader 1\n", await asViewer.GetStringAsync(page));
        var refused = await asNobody.GetAsync(page);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.DoesNotContain("berth_", await refused.Content.ReadAsStringAsync());
        Assert.Contains(await manager.AuditAsync(), entry => entry.Call == "metrics" && entry.Outcome.StartsWith("refused", StringComparison.Ordinal));
    }

    private async Task StartAsync(Dictionary<string, string> environment)
    {
        engine.Require();
        BerthProgram.SkipUnlessPossible();
        _agent = new TestAgent(engine.Socket, _manager.Socket, Path.Combine(_folder, "data"));
        foreach (var (name, value) in environment)
            (_manager.Variables[name], _agent.Environment[name]) = (value, value);
        await _manager.StartAsync();
        _agent.Start();
        await Wait.UntilAsync(
            "the node is ready", async () => (await BerthAsync([], "node", "ls", "--format", "{{.Status}}")).Output.Contains("Ready"), () => _agent.Log.ToString());
    }

    private Task<CommandResult> BerthAsync(Dictionary<string, string> environment, params string[] arguments) =>
        BerthProgram.RunAsync(arguments, new Dictionary<string, string>(environment) { ["BERTH_HOST"] = $"unix://{_manager.Socket}" });

    private string StackFile()
    {
        var path = Path.Combine(_folder, "shop.yml");
        File.WriteAllText(path, $"""
            services:
              web:
                image: box:1
                command: [sh, -c, "sleep 100000", --password, {Planted}]
                environment:
                  DB_PASSWORD: {Planted}
                  HARMLESS: {Planted}
                labels:
                  api_token: {Planted}
                stop_signal: SIGKILL
                network_mode: host
            """);
        return path;
    }

    private static Dictionary<string, string> Unpack(string file)
    {
        using var reader = new TarReader(new GZipStream(File.OpenRead(file), CompressionMode.Decompress));
        var files = new Dictionary<string, string>();
        while (reader.GetNextEntry() is { } entry)
        {
            using var text = new StreamReader(entry.DataStream ?? Stream.Null);
            files[entry.Name.Split('/', 2)[1]] = text.ReadToEnd();
        }
        return files;
    }

    private static HttpClient Client(string socket, Version version) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancel) =>
        {
            var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancel);
            return new NetworkStream(connection, ownsSocket: true);
        },
    })
    { DefaultRequestVersion = version, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };

    private static HttpClient Client(TlsIdentity identity) => new(new SocketsHttpHandler { SslOptions = identity.ForClient(CertificateRole.Manager), UseProxy = false })
    {
        DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };
}
