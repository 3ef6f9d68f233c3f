using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Berth.Identity;
using Berth.Manager.Journals.Etcd;
using Berth.Manager.Members;
using Berth.Manager.Store;

namespace Berth.Tests.Integration.Members;

/// <summary>A real etcd from the etcd.yml that a manager writes, on ports and a directory of its own.</summary>
public sealed class EtcdHost : IAsyncDisposable
{
    private readonly StringBuilder _said = new();
    private Process? _process;

    public EtcdHost(string name, string directory, StoreAuthority authority)
    {
        var ports = FreePorts(2);
        Configuration = new EtcdConfiguration
        {
            Name = name,
            Directory = directory,
            Address = "127.0.0.1",
            Token = "tests",
            Peers = [],
            OwnPeerPort = ports[0],
            OwnClientPort = ports[1],
        };
        Configuration = Configuration with { Peers = [Peer] };
        var files = Configuration.Files;
        files.Save(authority.Sign(files.Request(name), name, [IPAddress.Loopback], TimeProvider.System.GetUtcNow()), authority.CertificatePem);
    }

    /// <summary>What its etcd.yml says at the next start.</summary>
    public EtcdConfiguration Configuration { get; set; }

    /// <summary>Itself, for other members.</summary>
    public EtcdPeer Peer => new(Configuration.Name, Configuration.PeerUrl);

    /// <summary>Whether its process runs.</summary>
    public bool IsRunning => _process is { HasExited: false };

    /// <summary>What it wrote so far.</summary>
    public string Said
    {
        get
        {
            lock (_said)
                return _said.ToString();
        }
    }

    /// <summary>Writes etcd.yml and starts etcd from it; does not wait.</summary>
    public void Start()
    {
        PrivateText.Write(Configuration.Path, Configuration.ToYaml());
        _process = Process.Start(new ProcessStartInfo("etcd", ["--config-file", Configuration.Path]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        _process.ErrorDataReceived += (_, line) => Hear(line.Data);
        _process.OutputDataReceived += (_, line) => Hear(line.Data);
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
    }

    /// <summary>Ends it without a word, as a loss of power would.</summary>
    public async Task KillAsync()
    {
        if (_process is not { } process)
            return;
        if (!process.HasExited)
            process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        _process = null;
    }

    /// <summary>Stops (SIGSTOP) or continues (SIGCONT) it.</summary>
    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{_process!.Id}"]);
        await kill.WaitForExitAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await KillAsync();

    private void Hear(string? line)
    {
        lock (_said)
            _said.AppendLine(line);
    }

    private static ImmutableArray<int> FreePorts(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToList();
        listeners.ForEach(listener => listener.Start());
        ImmutableArray<int> ports = [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        listeners.ForEach(listener => listener.Stop());
        return ports;
    }
}

/// <summary>Several members of one etcd.</summary>
public sealed class EtcdHosts : IAsyncDisposable
{
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("berth-etcd-");

    public EtcdHosts(int count)
    {
        Hosts = [.. Enumerable.Range(1, count).Select(number => NewHost($"m{number}"))];
        var peers = Hosts.Select(host => host.Peer).ToImmutableArray();
        foreach (var host in Hosts)
            host.Configuration = host.Configuration with { Peers = peers };
    }

    public StoreAuthority Authority { get; } = EtcdAuthority.Create(TimeProvider.System.GetUtcNow());

    public ImmutableArray<EtcdHost> Hosts { get; private set; }

    /// <summary>How to ask them, the one at <paramref name="first"/> before the others.</summary>
    public EtcdOptions Options(int first = 0) => new()
    {
        Endpoints = [.. Hosts.Skip(first).Concat(Hosts.Take(first)).Select(host => new Uri(host.Configuration.ClientUrl))],
        Identity = Hosts[first].Configuration.Files.Load,
    };

    /// <summary>A host that is no member yet.</summary>
    public EtcdHost NewHost(string name) => new(name, Path.Combine(_home.FullName, name), Authority);

    /// <summary>Counts a host among them.</summary>
    public void Add(EtcdHost host) => Hosts = Hosts.Add(host);

    /// <summary>Starts them all.</summary>
    public EtcdHosts Start()
    {
        foreach (var host in Hosts)
            host.Start();
        return this;
    }

    /// <summary>What they all wrote, for the message of a test that fails.</summary>
    public string Said => string.Join('\n', Hosts.Select(host => $"--- {host.Configuration.Name}\n{host.Said}"));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var host in Hosts)
            await host.DisposeAsync();
        _home.Delete(recursive: true);
    }
}
