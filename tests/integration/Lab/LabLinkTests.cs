using System.Diagnostics;

namespace Berth.Tests.Integration.Lab;

/// <summary>Power loss and partitions look on the wire as they do between real machines: like nothing at all.</summary>
[Collection(LabLifeTests.Alone)]
public sealed class LabLinkTests
{
    [SkippableFact]
    public async Task Power_loss_says_no_goodbye_on_open_connections()
    {
        await using var lab = await TestLab.UpAsync("link-a", "--hosts", "2", "--no-berth");
        using var server = OnHost(lab, 2, "exec busybox nc -ll -p 7000 -e /bin/cat");
        using var client = await ConnectAsync(lab, from: 1, to: 2);

        await lab.LabAsync("kill", "2");
        await Task.Delay(TimeSpan.FromSeconds(2));

        // A FIN or RST would have ended the client; silence leaves it waiting.
        Assert.False(client.HasExited, "the client's connection was closed: the dying host said goodbye");
        Assert.Contains("ESTAB", await ConnectionsAsync(lab, 1));
        client.Kill(entireProcessTree: true);
    }

    [SkippableFact]
    public async Task A_partition_is_silent_and_heals_with_connections_intact()
    {
        await using var lab = await TestLab.UpAsync("link-b", "--hosts", "2", "--no-berth");
        using var server = OnHost(lab, 2, "exec busybox nc -ll -p 7000 -e /bin/cat");
        using var client = await ConnectAsync(lab, from: 1, to: 2);

        await lab.LabAsync("partition", "2");
        Assert.False(await PingsAsync(lab, 1, lab.Address(2)));
        Assert.Equal("1", (await lab.ExecAsync(2, "cat", "/sys/class/net/eth0/carrier")).Trim());
        Assert.Contains("ESTAB", await ConnectionsAsync(lab, 1));

        await lab.LabAsync("heal", "2");
        await Eventually.HoldsAsync(async () => (await PingsAsync(lab, 1, lab.Address(2)), "no answer to ping"));
        Assert.Contains("ESTAB", await ConnectionsAsync(lab, 1));
        Assert.False(client.HasExited);
        client.Kill(entireProcessTree: true);
        server.Kill(entireProcessTree: true);
    }

    [SkippableFact]
    public async Task A_host_boots_again_on_its_old_disk_and_answers_at_once()
    {
        await using var lab = await TestLab.UpAsync("link-c", "--hosts", "2", "--no-berth");
        await lab.LoadImagesAsync();
        var container = (await lab.ExecAsync(2, "docker", "run", "-d", "berth/busybox:1", "sleep", "1000")).Trim();
        Assert.True(await PingsAsync(lab, 1, lab.Address(2)));

        await lab.LabAsync("kill", "2");
        await lab.LabAsync("start", "2");

        Assert.True(await PingsAsync(lab, 1, lab.Address(2)));
        Assert.Contains(container[..12], await lab.ExecAsync(2, "docker", "ps", "-aq"));
        Assert.Empty((await lab.ExecAsync(2, "docker", "ps", "-q")).Trim());
    }

    [SkippableFact]
    public async Task Hosts_have_no_way_out_and_the_machine_reaches_them()
    {
        await using var lab = await TestLab.UpAsync("link-d", "--hosts", "1", "--no-berth");
        await lab.LoadImagesAsync();
        await lab.ExecAsync(1, "docker", "run", "-d", "-p", "8080:8080", "berth/hello:2");

        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(2) };
        await Eventually.HoldsAsync(async () =>
        {
            try
            {
                var page = await http.GetStringAsync($"http://{lab.Address(1)}:8080/");
                return (page.StartsWith("hello version 2", StringComparison.Ordinal), page);
            }
            catch (Exception error) when (error is HttpRequestException or TaskCanceledException)
            {
                return (false, error.Message);
            }
        });
        Assert.DoesNotContain("default", await lab.ExecAsync(1, "ip", "route"));
    }

    [SkippableFact]
    public async Task Hosts_pull_from_the_labs_registry_what_was_pushed_past_their_engines()
    {
        await using var lab = await TestLab.UpAsync("link-e", "--hosts", "1", "--no-berth", "--registry");
        await lab.PushImageAsync("busybox-2", "berth/busybox:2");

        Assert.Equal("2", (await lab.ExecAsync(1, "docker", "run", "--rm", "registry.lab:5000/berth/busybox:2", "cat", "/etc/version")).Trim());
    }

    private static Process OnHost(TestLab lab, int host, string script) =>
        BerthProgram.Start(BerthProgram.Berth, ["lab", "exec", "--name", lab.Name, lab.HostName(host), "--", "bash", "-c", script]);

    private static async Task<Process> ConnectAsync(TestLab lab, int from, int to)
    {
        // The shell connects when the server listens; cat then reads until somebody closes the connection.
        var server = $"/dev/tcp/{lab.Address(to)}/7000";
        var client = OnHost(lab, from, $"until (exec 3<>{server}) 2>/dev/null; do sleep 0.1; done; exec 3<>{server}; exec cat <&3");
        await Eventually.HoldsAsync(async () =>
        {
            var seen = await ConnectionsAsync(lab, from);
            return (seen.Contains("ESTAB", StringComparison.Ordinal), seen);
        });
        return client;
    }

    private static Task<string> ConnectionsAsync(TestLab lab, int host) => lab.ExecAsync(host, "ss", "-Htn", "dport", "=", "7000");

    private static async Task<bool> PingsAsync(TestLab lab, int from, string address) =>
        (await BerthProgram.RunAsync(["lab", "exec", "--name", lab.Name, lab.HostName(from), "--", "busybox", "ping", "-c", "1", "-W", "1", address])).ExitCode == 0;
}
