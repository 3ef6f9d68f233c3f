using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Berth.Manager.Hosting;

/// <summary>Lets the calls that are open when the manager stops end with their reason, before the server closes connections.</summary>
/// <remarks>A server that stops closes each connection once the code of its calls has returned, and drops what it has not
/// written yet, be it the calls' status: agents and people would see a connection that broke, and not why.</remarks>
internal sealed class OpenCalls(IHostApplicationLifetime lifetime, TimeProvider time, ILogger<OpenCalls> log) : IHostedLifecycleService
{
    /// <summary>Every call ends at once when the manager stops; one that has not by then is cut off.</summary>
    public static readonly TimeSpan Farewell = TimeSpan.FromSeconds(1);

    // The server writes in the background and does not say when it has: this is many times what it takes.
    private static readonly TimeSpan WritingTime = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<HttpContext, bool> _open = new(ReferenceEqualityComparer.Instance);
    private readonly TaskCompletionSource _noneLeft = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Handles a call, and knows it as open until its code has returned.</summary>
    public async Task HandleAsync(HttpContext call, RequestDelegate next)
    {
        _open[call] = true;
        try
        {
            await next(call);
        }
        finally
        {
            Leave(call);
        }
    }

    /// <summary>Tells all calls to end, and waits until they have.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        lifetime.StopApplication();
        if (_open.IsEmpty && !_noneLeft.Task.IsCompleted)
            return;
        try
        {
            await _noneLeft.Task.WaitAsync(Farewell, time, cancellationToken);
            await Task.Delay(WritingTime, time, cancellationToken);
        }
        catch (Exception error) when (error is TimeoutException or OperationCanceledException)
        {
            foreach (var call in _open.Keys)
            {
                log.LogWarning("The call {Path} did not end when the manager stopped; it is cut off", call.Request.Path);
                call.Abort();
            }
        }
    }

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private void Leave(HttpContext call)
    {
        _open.TryRemove(call, out _);
        if (lifetime.ApplicationStopping.IsCancellationRequested && _open.IsEmpty)
            _noneLeft.TrySetResult();
    }
}

/// <summary>Puts <see cref="OpenCalls"/> into a server.</summary>
internal static class OpenCallsHosting
{
    /// <summary>Registers what waits for open calls when the host stops.</summary>
    public static IServiceCollection AddOpenCalls(this IServiceCollection services) =>
        services.AddSingleton<OpenCalls>().AddHostedService(provider => provider.GetRequiredService<OpenCalls>());

    /// <summary>Every call goes through it; before any other part of the pipeline.</summary>
    public static void UseOpenCalls(this WebApplication app) => app.Use(app.Services.GetRequiredService<OpenCalls>().HandleAsync);
}
