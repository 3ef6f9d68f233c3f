using System.Net;
using Berth.Consul;
using Berth.Manager.Store;
using Berth.Model;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Berth.Manager.Discovery;

/// <summary>Who this manager is in Consul.</summary>
/// <param name="Consul">Where.</param>
/// <param name="Node">Its node id.</param>
/// <param name="Hostname">Its host's name.</param>
/// <param name="Version">Its version.</param>
/// <param name="Address">Where agents dial it.</param>
public sealed record ConsulPlace(ConsulAddress Consul, NodeId Node, string Hostname, string Version, IPEndPoint Address);

/// <summary>Keeps this manager registered in Consul while it runs, and takes it out when it stops. Nothing here waits for Consul, and
/// nothing of the cluster depends on it: whoever found a manager once is told of the others by that one.</summary>
internal sealed class ConsulRegistration(
    ConsulPlace place, ClusterView view, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<ConsulRegistration> log) : BackgroundService
{
    // Three of them may fail before Consul counts this manager as lost.
    private static readonly TimeSpan Period = ConsulManagers.Ttl / 3.5;
    private static readonly TimeSpan GoodbyeWithin = TimeSpan.FromSeconds(1);

    private bool _isRegistered;
    private string? _trouble;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Agents are to go elsewhere as soon as this manager begins to stop, not once everything else has stopped.
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, lifetime.ApplicationStopping);
        using var consul = new ConsulClient(place.Consul, time);
        using var timer = new PeriodicTimer(Period, time);
        try
        {
            await view.Recovered.WaitAsync(stopping.Token);
            do
                await LookAsync(consul, stopping.Token);
            while (await timer.WaitForNextTickAsync(stopping.Token));
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The manager stops.
        }
        await LeaveAsync(consul);
    }

    private async Task LookAsync(ConsulClient consul, CancellationToken cancellation)
    {
        if (view.Current.ClusterId is not { } cluster)
            return;
        var service = ConsulManagers.Of(place.Consul.Service, place.Node, cluster, place.Hostname, place.Version, place.Address);
        try
        {
            if (!_isRegistered || !await PassesAsync(consul, service.Check.Id, cancellation))
            {
                await consul.RegisterAsync(service, cancellation);
                log.LogInformation("Registered in Consul at {Consul} as service {Service}, instance {Instance}", place.Consul.Http, service.Name, service.Id);
            }
            else if (_trouble is not null)
            {
                log.LogInformation("Consul at {Consul} hears of this manager again", place.Consul.Http);
            }
            (_isRegistered, _trouble) = (true, null);
        }
        catch (ConsulException error)
        {
            // Said once, not every three seconds.
            if (_trouble != error.Message)
                log.LogWarning("{Reason}. The cluster goes on without it: agents and managers know one another. Trying again every {Seconds:0.0} s", error.Message, Period.TotalSeconds);
            _trouble = error.Message;
        }
    }

    // False when Consul has forgotten it: its agent lost its data, or somebody took the service out.
    private static async Task<bool> PassesAsync(ConsulClient consul, string check, CancellationToken cancellation)
    {
        try
        {
            await consul.PassAsync(check, cancellation);
            return true;
        }
        catch (ConsulException error) when (error.IsUnknown)
        {
            return false;
        }
    }

    private async Task LeaveAsync(ConsulClient consul)
    {
        if (!_isRegistered)
            return;
        using var limit = new CancellationTokenSource(GoodbyeWithin, time);
        try
        {
            await consul.DeregisterAsync(ConsulManagers.IdOf(place.Node), limit.Token);
            log.LogInformation("Taken out of Consul at {Consul}", place.Consul.Http);
        }
        catch (Exception error) when (error is ConsulException or OperationCanceledException)
        {
            log.LogWarning(
                "Consul was not told that this manager stops ({Reason}); it finds out itself within {Ttl:0} s",
                error is ConsulException ? error.Message : "no answer in time", ConsulManagers.Ttl.TotalSeconds);
        }
    }
}
