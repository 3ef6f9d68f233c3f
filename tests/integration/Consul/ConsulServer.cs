using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Berth.Consul;

namespace Berth.Tests.Integration.Consul;

/// <summary>A real Consul on this machine's loopback, that allows nobody anything without a token. One that is started again has
/// forgotten everything but its tokens.</summary>
public sealed class ConsulServer : IAsyncLifetime
{
    private static readonly TimeSpan StartWithin = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("berth-consul-");
    private readonly string _master = Guid.NewGuid().ToString();
    private readonly int[] _ports = FreePorts(4);
    private readonly StringBuilder _said = new();
    private readonly HttpClient _http = new();
    private Process? _process;

    /// <summary>The program; null where there is none.</summary>
    public static string? Program { get; } = new[] { Path.Combine(BerthProgram.Root, ".out/tools/consul") }
        .Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Combine(folder, "consul"))).FirstOrDefault(File.Exists);

    /// <summary>Says nothing but "managers may be registered and found".</summary>
    public string ManagersToken { get; } = Guid.NewGuid().ToString();

    /// <summary>Says nothing but "managers may be found".</summary>
    public string ReadersToken { get; } = Guid.NewGuid().ToString();

    private Uri Url => new($"http://127.0.0.1:{_ports[0]}");

    /// <summary>Skips a test where there is no Consul to try it on.</summary>
    public static void Require() => Skip.If(Program is null, "Consul is not here: Debian has it in bullseye only, and scripts/setup.sh could not get it from there");

    /// <summary>An address with a token in a file of its own.</summary>
    public string Address(string token, string service = ConsulAddress.DefaultService)
    {
        var file = Path.Combine(_home.FullName, Guid.NewGuid().ToString("N"));
        WriteToken(file, token);
        return $"consul://127.0.0.1:{_ports[0]}/{service}?token-file={file}";
    }

    /// <summary>Puts another token into the file that an address names.</summary>
    public static void ReplaceToken(string address, string token) => WriteToken(ConsulAddress.Parse(address, _ => null).TokenFile!, token);

    public async Task InitializeAsync()
    {
        if (Program is not null)
            await StartAsync();
    }

    /// <summary>Starts it and makes the tokens.</summary>
    public async Task StartAsync()
    {
        var configuration = Path.Combine(_home.FullName, "consul.json");
        await File.WriteAllTextAsync(configuration, new JsonObject
        {
            ["acl"] = new JsonObject { ["enabled"] = true, ["default_policy"] = "deny", ["tokens"] = new JsonObject { ["master"] = _master, ["agent"] = _master } },
            ["ports"] = new JsonObject { ["http"] = _ports[0], ["server"] = _ports[1], ["serf_lan"] = _ports[2], ["serf_wan"] = _ports[3], ["dns"] = -1, ["grpc"] = -1 },
            ["log_level"] = "warn",
        }.ToJsonString());
        _process = Process.Start(new ProcessStartInfo(Program!, ["agent", "-dev", "-bind=127.0.0.1", "-client=127.0.0.1", $"-config-file={configuration}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        _process.OutputDataReceived += (_, line) => Hear(line.Data);
        _process.ErrorDataReceived += (_, line) => Hear(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await PutUntilDoneAsync("/v1/acl/policy", new JsonObject { ["Name"] = "managers", ["Rules"] = "service_prefix \"berth\" { policy = \"write\" } node_prefix \"\" { policy = \"read\" }" });
        await PutUntilDoneAsync("/v1/acl/policy", new JsonObject { ["Name"] = "readers", ["Rules"] = "service_prefix \"berth\" { policy = \"read\" } node_prefix \"\" { policy = \"read\" }" });
        await PutUntilDoneAsync("/v1/acl/token", Token(ManagersToken, "managers"));
        await PutUntilDoneAsync("/v1/acl/token", Token(ReadersToken, "readers"));
    }

    /// <summary>Ends it at once.</summary>
    public async Task KillAsync()
    {
        if (_process is not { HasExited: false } process)
            return;
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        _process = null;
    }

    public async Task DisposeAsync()
    {
        await KillAsync();
        _http.Dispose();
        _home.Delete(recursive: true);
    }

    private static JsonObject Token(string secret, string policy) => new()
    {
        ["SecretID"] = secret,
        ["Policies"] = new JsonArray(new JsonObject { ["Name"] = policy }),
    };

    // It answers before it leads itself, and what changes something is refused until then.
    private async Task PutUntilDoneAsync(string path, JsonObject body)
    {
        var waited = Stopwatch.StartNew();
        for (var last = ""; ; await Task.Delay(100))
        {
            Assert.True(waited.Elapsed < StartWithin, $"Consul does not take {path} within {StartWithin}: {last}\n{Said}");
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Put, new Uri(Url, path)) { Content = JsonContent.Create(body) };
                request.Headers.Add("X-Consul-Token", _master);
                using var answer = await _http.SendAsync(request);
                if (answer.IsSuccessStatusCode)
                    return;
                last = await answer.Content.ReadAsStringAsync();
            }
            catch (HttpRequestException error)
            {
                last = error.Message;
            }
        }
    }

    private string Said
    {
        get
        {
            lock (_said)
                return _said.ToString();
        }
    }

    private void Hear(string? line)
    {
        lock (_said)
            _said.AppendLine(line);
    }

    private static void WriteToken(string file, string token)
    {
        File.WriteAllText(file, token + "\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private static int[] FreePorts(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToList();
        listeners.ForEach(listener => listener.Start());
        int[] ports = [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        listeners.ForEach(listener => listener.Stop());
        return ports;
    }
}
