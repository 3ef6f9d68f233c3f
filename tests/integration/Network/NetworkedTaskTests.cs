using Berth.Tests.Integration.Agent;
using Docker.DotNet.Models;
using TaskState = Berth.Model.TaskState;

namespace Berth.Tests.Integration.Network;

/// <summary>Containers in networks of the cluster: real engines, the real runtime, the real kernel.</summary>
public sealed class NetworkedTaskTests
{
    private const string Serves = "trap 'exit 0' TERM; while :; do echo hello from $(hostname) | nc -l -p 8080 & wait $!; done";

    [SkippableFact]
    public async Task Two_containers_on_two_hosts_reach_each_other_by_address_and_none_is_left_behind()
    {
        await using var left = await NetworkedHost.StartAsync(1);
        await using var right = await NetworkedHost.StartAsync(2);
        NetworkedHost.Connect(left, right);
        var waits = left.Assign("sleep 1000", 1);
        await left.Manager.UntilAsync(waits, TaskState.Preparing, report => report.Message.StartsWith("waiting until the managers tell this node of network", StringComparison.Ordinal));
        foreach (var host in new[] { left, right })
            host.Tell(host.Network(1));
        var serves = right.Assign(Serves, 1);

        var address = Assert.Single((await right.RunsAsync(serves)).Addresses).Address;
        Assert.Equal("10.130.18.1", address);
        Assert.Equal("10.130.17.1", Assert.Single((await left.RunsAsync(waits)).Addresses).Address);
        var calls = left.Assign($"while ! nc -w 1 {address} 8080 </dev/null; do sleep 0.1; done", 1);
        await left.Manager.UntilAsync(calls, TaskState.Complete);

        foreach (var (host, task) in new[] { (left, waits), (right, serves) })
            host.Manager.Remove(task);
        left.Manager.Remove(calls);
        foreach (var host in new[] { left, right })
            await UntilNothingIsLeftAsync(host);
    }

    [SkippableFact]
    public async Task A_container_finds_what_the_engine_would_have_given_it()
    {
        await using var host = await NetworkedHost.StartAsync(1);
        host.Tell(host.Network(1), host.Network(2));
        var task = host.Assign("cat /etc/hosts /etc/resolv.conf; hostname; ip addr; ip route; grep -E 'SigIgn|SigBlk' /proc/self/status; cat /proc/sys/net/ipv4/ip_unprivileged_port_start; sleep 1000", 1, 2);
        var container = (await host.RunsAsync(task)).ContainerId;
        var seen = "";
        await Wait.UntilAsync("the container has looked around", async () => (seen = await LogAsync(host, container)).Contains("\n0", StringComparison.Ordinal), () => seen);

        Assert.Contains($"10.130.17.1\t{task[^12..]}\n", seen, StringComparison.Ordinal);
        Assert.Contains("nameserver 169.254.77.53\n", seen, StringComparison.Ordinal);
        Assert.Contains("inet 10.130.17.1/20", seen, StringComparison.Ordinal);
        Assert.Contains("inet 10.130.33.1/20", seen, StringComparison.Ordinal);
        Assert.Contains("default via 169.254.77.53 dev eth0", seen, StringComparison.Ordinal);
        Assert.Contains("SigIgn:\t0000000000000000", seen, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_restarted_agent_goes_on_with_what_it_was_told_and_with_what_containers_have()
    {
        await using var host = await NetworkedHost.StartAsync(1);
        host.Tell(host.Network(1));
        var first = host.Assign("sleep 1000", 1);
        await host.RunsAsync(first);
        // Told of networks and of the task's addresses again by nobody but its own memory.
        await Task.Delay(TimeSpan.FromSeconds(2));
        host.Agent.Kill();
        await host.RunAsync("ip", "link", "del", "berth0");
        host.Agent.Start();
        await Wait.UntilAsync("the overlay device is back", async () => (await host.RunAsync("ip", "link")).Contains("berth0", StringComparison.Ordinal), () => host.Agent.Log.ToString());

        var second = host.Assign("sleep 1000", 1);

        Assert.Equal("10.130.17.2", Assert.Single((await host.RunsAsync(second)).Addresses).Address);
        Assert.Equal("10.130.17.1", Assert.Single((await host.RunsAsync(first)).Addresses).Address);
        Assert.Contains("10.130.17.1 dev bv", await host.RunAsync("ip", "route", "show", "proto", "98"), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_container_whose_end_nobody_saw_leaves_nothing_behind_and_what_was_flushed_is_put_back_and_said()
    {
        await using var host = await NetworkedHost.StartAsync(1);
        host.Tell(host.Network(1));
        var task = host.Assign("sleep 1000", 1);
        var container = (await host.RunsAsync(task)).ContainerId;

        await host.RunAsync("ip", "route", "flush", "proto", "98");
        await Wait.UntilAsync("the node says that it was put right",
            () => Task.FromResult(host.Manager.Description!.Warnings.Any(warning => warning.StartsWith("somebody else changed the network of this host", StringComparison.Ordinal))),
            () => host.Agent.Log.ToString());
        Assert.Contains("10.130.17.1 dev bv", await host.RunAsync("ip", "route"), StringComparison.Ordinal);

        await host.Engine.Client.Containers.RemoveContainerAsync(container, new ContainerRemoveParameters { Force = true });
        await host.Manager.UntilAsync(task, TaskState.Failed);
        await UntilNothingIsLeftAsync(host);
    }

    private static Task UntilNothingIsLeftAsync(NetworkedHost host)
    {
        var left = "";
        return Wait.UntilAsync($"no namespace and no interface is left on host {host.Number}", async () =>
        {
            left = string.Join('\n', Directory.EnumerateFiles($"/run/berth/netns/{host.Manager.Registered!.NodeId}")) + await host.RunAsync("ip", "-o", "link");
            return !left.Contains("/run/", StringComparison.Ordinal) && !left.Contains(": bv", StringComparison.Ordinal);
        }, () => left);
    }

    private static async Task<string> LogAsync(NetworkedHost host, string container)
    {
        using var stream = await host.Engine.Client.Containers.GetContainerLogsAsync(container, new ContainerLogsParameters { ShowStdout = true, ShowStderr = true }, default);
        var (output, errors) = await stream.ReadOutputToEndAsync(default);
        return output + errors;
    }
}
