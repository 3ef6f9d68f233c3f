using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Berth.Manager.Journals.Etcd;
using Berth.Manager.Store;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Bench.Subjects;

/// <summary>One member of etcd on this machine's disk, without TLS.</summary>
public sealed class EtcdSubject : IStoreSubject
{
    private readonly string _home;
    private readonly Process _process;
    private readonly EtcdOptions _options;
    private readonly EtcdClient _client;

    private EtcdSubject(string home, Process process, EtcdOptions options)
    {
        (_home, _process, _options) = (home, process, options);
        _client = new EtcdClient(options, TimeProvider.System);
    }

    /// <inheritdoc/>
    public string Name => "etcd";

    /// <summary>Starts one; null when etcd is not installed.</summary>
    public static EtcdSubject? Start()
    {
        if (!Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => File.Exists(Path.Combine(folder, "etcd"))))
            return null;
        var home = Directory.CreateTempSubdirectory("berth-bench-etcd-").FullName;
        var (client, peer) = (FreePort(), FreePort());
        string[] arguments =
        [
            "--name", "bench", "--data-dir", $"{home}/data", "--log-level", "error", "--quota-backend-bytes", "4294967296",
            "--max-request-bytes", "16777216", "--max-txn-ops", "4096", "--listen-client-urls", $"http://127.0.0.1:{client}",
            "--advertise-client-urls", $"http://127.0.0.1:{client}", "--listen-peer-urls", $"http://127.0.0.1:{peer}",
            "--initial-advertise-peer-urls", $"http://127.0.0.1:{peer}", "--initial-cluster", $"bench=http://127.0.0.1:{peer}",
        ];
        var process = Process.Start(new ProcessStartInfo("etcd", arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        process.ErrorDataReceived += (_, _) => { };
        process.OutputDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        return new EtcdSubject(home, process, new EtcdOptions { Endpoints = [new Uri($"http://127.0.0.1:{client}")], Patience = TimeSpan.FromSeconds(30) });
    }

    /// <inheritdoc/>
    public IStoreBackend Open(LeaderTerm term) => new EtcdBackend(_options, term, TimeProvider.System, NullLogger.Instance);

    /// <inheritdoc/>
    public async Task WriteDirectlyAsync(long first, byte[][] rows) => await _client.TransactAsync(
        new Berth.Manager.Journals.Etcd.V3.TxnRequest { Success = { rows.Select((row, offset) => EtcdTransaction.Put(ByteString.CopyFromUtf8($"direct/{first + offset:x16}"), ByteString.CopyFrom(row))) } },
        default);

    /// <inheritdoc/>
    public Task<bool> UnfenceAsync() => Task.FromResult(false);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_home, recursive: true);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
