using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Docker.DotNet;
using Docker.DotNet.NativeHttp;

namespace Berth.Agent.Engine;

/// <summary>Connections to one engine's socket, speaking one API version.</summary>
/// <remarks>The library's unix transport opens a connection per request; its HTTP transport over the same socket keeps them,
/// which costs half the CPU of a small call. Only hijacked streams (exec) need the former.</remarks>
internal sealed class DockerConnection : IDisposable
{
    // Long enough for a create or start on a host that is busy starting hundreds of containers.
    private static readonly TimeSpan CallTimeout = TimeSpan.FromMinutes(5);
    private readonly HttpClient _http;

    public DockerConnection(string socketPath, Version? apiVersion)
    {
        _http = new HttpClient(Handler(socketPath)) { BaseAddress = new Uri("http://engine"), Timeout = Timeout.InfiniteTimeSpan };
        Prefix = apiVersion is null ? "" : $"/v{apiVersion}";
        ApiVersion = apiVersion;
        Calls = Builder(apiVersion).WithEndpoint(new Uri("http://engine")).WithTimeout(CallTimeout)
            .WithTransportOptions(new NativeHttpTransportOptions { ConfigureHandler = handler => Configure(handler, socketPath) })
            .Build();
        Hijack = Builder(apiVersion).WithEndpoint(new Uri("unix://" + socketPath)).WithTimeout(CallTimeout).Build();
    }

    /// <summary>The version agreed on; null before that.</summary>
    public Version? ApiVersion { get; }

    /// <summary>For ordinary calls.</summary>
    public DockerClient Calls { get; }

    /// <summary>For calls that turn the connection into a raw stream.</summary>
    public DockerClient Hijack { get; }

    private string Prefix { get; }

    /// <summary>Gets a small JSON answer; throws the library's exception for an error status, as its own calls do.</summary>
    public async Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        using var response = await OpenAsync(path, cancellation).ConfigureAwait(false);
        var body = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        return await JsonSerializer.DeserializeAsync(body, type, cancellation).ConfigureAwait(false)
            ?? throw new IOException($"the engine answered {path} with nothing");
    }

    /// <summary>Gets an answer whose body is read while it comes.</summary>
    public async Task<HttpResponseMessage> OpenAsync(string path, CancellationToken cancellation)
    {
        var response = await _http.GetAsync(Prefix + path, HttpCompletionOption.ResponseHeadersRead, cancellation).ConfigureAwait(false);
        if (response.IsSuccessStatusCode)
            return response;
        using (response)
        {
            var text = await response.Content.ReadAsStringAsync(cancellation).ConfigureAwait(false);
            throw new DockerApiException(response.StatusCode, text);
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        Calls.Dispose();
        Hijack.Dispose();
    }

    private static DockerClientBuilder Builder(Version? apiVersion)
    {
        var builder = new DockerClientBuilder();
        return apiVersion is null ? builder : builder.WithApiVersion(apiVersion);
    }

    private static SocketsHttpHandler Handler(string socketPath)
    {
        var handler = new SocketsHttpHandler();
        Configure(handler, socketPath);
        return handler;
    }

    private static void Configure(SocketsHttpHandler handler, string socketPath)
    {
        handler.UseProxy = false;
        handler.UseCookies = false;
        handler.AllowAutoRedirect = false;
        handler.MaxConnectionsPerServer = int.MaxValue;
        handler.PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30);
        handler.AutomaticDecompression = DecompressionMethods.None;
        handler.ConnectCallback = async (_, cancellation) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellation).ConfigureAwait(false);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (SocketException refused)
            {
                socket.Dispose();
                throw new IOException($"nobody listens at {socketPath}: is Docker running?", refused);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        };
    }
}
