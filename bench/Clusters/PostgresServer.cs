using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Berth.Bench.Measure;

namespace Berth.Bench.Clusters;

/// <summary>A real PostgreSQL on this machine's side of a lab's switch: TLS with a certificate for that address, passwords by SCRAM.</summary>
public sealed class PostgresServer : IAsyncDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string _programs;
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("berth-bench-pg-");

    private PostgresServer(string programs) => _programs = programs;

    /// <summary>A file with the connection string, for its owner only: it holds the password.</summary>
    public string ConnectionFile => Path.Combine(_home.FullName, "connection");

    private string Data => Path.Combine(_home.FullName, "data");

    /// <summary>Makes and starts it.</summary>
    /// <exception cref="InvalidOperationException">PostgreSQL is not installed.</exception>
    public static async Task<PostgresServer> StartAsync(string address)
    {
        var programs = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin")).Where(bin => File.Exists(Path.Combine(bin, "initdb"))).Order().LastOrDefault()
            : null;
        var server = new PostgresServer(programs ?? throw new InvalidOperationException("PostgreSQL is not installed (package postgresql)"));
        try
        {
            await server.MakeAsync(address);
            return server;
        }
        catch
        {
            // Nobody else would take it down.
            await server.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (File.Exists(Path.Combine(Data, "postmaster.pid")))
            await AsOwnerAsync("pg_ctl", "-D", Data, "-m", "immediate", "-w", "stop");
        _home.Delete(recursive: true);
    }

    private async Task MakeAsync(string address)
    {
        var password = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
        var passwordFile = await SecretAsync("password", password);
        await Command.RunAsync("chown", "-R", "postgres", _home.FullName);
        await AsOwnerAsync("initdb", "-D", Data, "-U", "berth", "-A", "scram-sha-256", $"--pwfile={passwordFile}", "-E", "UTF8", "--locale=C");

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Parse(address));
        var request = new CertificateRequest($"CN={address}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        var trusted = Path.Combine(_home.FullName, "root.crt");
        await File.WriteAllTextAsync(trusted, certificate.ExportCertificatePem());
        var certificateFile = await SecretAsync("server.crt", certificate.ExportCertificatePem());
        var keyFile = await SecretAsync("server.key", key.ExportPkcs8PrivateKeyPem());
        await Command.RunAsync("chown", "postgres", certificateFile, keyFile);

        var port = FreePort(address);
        await File.AppendAllLinesAsync(Path.Combine(Data, "postgresql.conf"),
        [
            $"port = {port}", $"listen_addresses = '{address}'", $"unix_socket_directories = '{_home.FullName}'",
            "ssl = on", $"ssl_cert_file = '{certificateFile}'", $"ssl_key_file = '{keyFile}'",
        ]);
        await File.AppendAllLinesAsync(Path.Combine(Data, "pg_hba.conf"), ["hostssl all all 0.0.0.0/0 scram-sha-256"]);
        await AsOwnerAsync("pg_ctl", "-D", Data, "-l", Path.Combine(_home.FullName, "log"), "-w", "-t", "60", "start");
        await SecretAsync("connection", $"Host={address};Port={port};Database=postgres;Username=berth;Password={password};SSL Mode=VerifyFull;Root Certificate={trusted}");
    }

    private async Task<string> SecretAsync(string name, string content)
    {
        var path = Path.Combine(_home.FullName, name);
        await using (var file = new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }))
        await using (var writer = new StreamWriter(file))
            await writer.WriteAsync(content);
        return path;
    }

    private static int FreePort(string address)
    {
        using var listener = new TcpListener(IPAddress.Parse(address), 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    // The server goes on writing to what it inherits: its own log, not a pipe of ours.
    private Task<string> AsOwnerAsync(string program, params string[] arguments) =>
        Command.RunAsync("sh", ["-c", "cd / && exec runuser -u postgres -- \"$@\" >/dev/null 2>&1 </dev/null", "sh", Path.Combine(_programs, program), .. arguments]);
}
