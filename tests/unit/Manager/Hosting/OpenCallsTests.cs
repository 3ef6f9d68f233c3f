using System.Net;
using System.Net.Sockets;
using Berth.Manager.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Berth.Tests.Manager.Hosting;

/// <summary>A real server on a unix socket of its own, whose only call does what a test says.</summary>
public sealed class OpenCallsTests : IAsyncLifetime
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-calls-").FullName;
    private readonly FakeTimeProvider _time = new();
    private readonly TaskCompletionSource _isIn = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly WebApplication _app;
    private readonly HttpClient _client;
    private Func<HttpContext, Task> _call = _ => Task.CompletedTask;

    public OpenCallsTests()
    {
        var socket = Path.Combine(_folder, "m.sock");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(socket));
        builder.Services.AddSingleton<TimeProvider>(_time).AddOpenCalls();
        _app = builder.Build();
        _app.UseOpenCalls();
        _app.Run(async context =>
        {
            _isIn.TrySetResult();
            await _call(context);
        });
        _client = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var connection = new Socket(
                    AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellation);
                return new NetworkStream(connection, ownsSocket: true);
            },
        });
    }

    public Task InitializeAsync() => _app.StartAsync();

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _app.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_stop_waits_for_calls_that_end_and_they_have_their_say()
    {
        var mayEnd = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _call = async context =>
        {
            await Task.Delay(Timeout.Infinite, _app.Lifetime.ApplicationStopping).ContinueWith(_ => { }, TaskScheduler.Default);
            await mayEnd.Task;
            context.Response.StatusCode = (int)HttpStatusCode.Gone;
        };
        var answer = _client.GetAsync(new Uri("http://manager/"));
        await _isIn.Task.WaitAsync(Deadline);
        var stopping = _app.StopAsync();
        Assert.True(_app.Lifetime.ApplicationStopping.IsCancellationRequested);
        Assert.False(stopping.IsCompleted);

        mayEnd.SetResult();
        Assert.Equal(HttpStatusCode.Gone, (await answer.WaitAsync(Deadline)).StatusCode);
        await PassUntilAsync(stopping);
    }

    [Fact]
    public async Task A_call_that_does_not_end_is_cut_off()
    {
        var never = new TaskCompletionSource();
        _call = async context =>
        {
            await context.Response.Body.FlushAsync();
            await never.Task.WaitAsync(context.RequestAborted);
        };
        using var answer = await _client.GetAsync(new Uri("http://manager/"), HttpCompletionOption.ResponseHeadersRead);
        var reading = answer.Content.ReadAsStringAsync();

        var stopping = _app.StopAsync();
        _time.Advance(OpenCalls.Farewell - TimeSpan.FromTicks(1));
        Assert.False(reading.IsCompleted);
        await PassUntilAsync(stopping);
        await Assert.ThrowsAsync<HttpRequestException>(() => reading);
    }

    [Fact]
    public async Task A_stop_with_no_call_open_waits_for_nothing()
    {
        Assert.Equal(HttpStatusCode.OK, (await _client.GetAsync(new Uri("http://manager/"))).StatusCode);
        await _app.StopAsync().WaitAsync(Deadline);
    }

    private async Task PassUntilAsync(Task stopping)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        while (!stopping.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Delay(5, deadline.Token);
        }
        await stopping;
    }
}
