namespace Berth.Tests.Integration.Lab;

/// <summary>Labs come and go without a trace, also when interrupted, and do not disturb one another.</summary>
[Collection(LabLifeTests.Alone)]
public sealed class LabLifeTests
{
    /// <summary>Labs of these classes are made one after another: the machine is small.</summary>
    public const string Alone = "labs of their own";

    [SkippableFact]
    public async Task A_lab_leaves_nothing_behind()
    {
        var folder = NewFolder();
        string network;
        await using (var lab = await TestLab.UpAsync("life-a", "--hosts", "2", "--no-berth", "--registry", "--dir", folder))
        {
            Assert.NotEmpty(Leftovers.Of("life-a", folder));
            Assert.Equal($"{lab.HostName(2)}\n", await lab.ExecAsync(2, "hostname"));
            await lab.LoadImagesAsync();
            await lab.ExecAsync(1, "docker", "run", "-d", "berth/stubborn:1");
            network = (await lab.ExecAsync(1, "readlink", "/proc/self/ns/net")).Trim();
            Assert.NotEmpty(Leftovers.HoldersOf(network));
        }

        Assert.Empty(Leftovers.HoldersOf(network));
        Assert.Empty(Leftovers.Of("life-a", folder));
    }

    [SkippableFact]
    public async Task Up_again_changes_nothing_and_makes_a_broken_lab_whole()
    {
        await using var lab = await TestLab.UpAsync("life-b", "--hosts", "2", "--no-berth");
        var before = lab.Status.ToString();

        var again = await lab.LabAsync("up", "--hosts", "2", "--no-berth");
        await lab.RefreshAsync();
        Assert.Contains("up already", again.Error);
        Assert.Equal(before, lab.Status.ToString());

        await lab.LabAsync("kill", "2");
        await lab.LabAsync("engine", "1", "stop");
        await lab.LabAsync("up", "--hosts", "3", "--no-berth");
        await lab.RefreshAsync();
        Assert.All(Enumerable.Range(1, 3), host => Assert.NotNull(lab.Pid(host, "engine_pid")));
        Assert.Contains("life-b3", await lab.ExecAsync(1, "cat", "/etc/hosts"));
    }

    [SkippableTheory]
    [InlineData(30)]
    [InlineData(120)]
    [InlineData(250)]
    [InlineData(500)]
    [InlineData(1000)]
    public async Task A_lab_that_was_interrupted_half_way_can_be_taken_down(int milliseconds)
    {
        BerthProgram.SkipUnlessPossible();
        var folder = NewFolder();
        await using var lab = new TestLab("life-c");
        using var up = BerthProgram.Start(BerthProgram.Berth, ["lab", "up", "--name", "life-c", "--hosts", "3", "--no-berth", "--registry", "--dir", folder]);
        await Task.Delay(milliseconds);
        up.Kill();
        await up.WaitForExitAsync();

        await lab.DownAsync();

        Assert.Empty(Leftovers.Of("life-c", folder));
    }

    [SkippableFact]
    public async Task Two_labs_live_side_by_side()
    {
        await using var one = await TestLab.UpAsync("life-d", "--hosts", "1", "--no-berth");
        await using var two = await TestLab.UpAsync("life-e", "--hosts", "1", "--no-berth");
        Assert.NotEqual(one.Address(1), two.Address(1));
        Assert.NotEqual(await one.ExecAsync(1, "docker", "info", "--format", "{{.ID}}"), await two.ExecAsync(1, "docker", "info", "--format", "{{.ID}}"));

        // A host that was made later holds no copy of the other lab's namespaces.
        var network = (await one.ExecAsync(1, "readlink", "/proc/self/ns/net")).Trim();

        await one.DownAsync();

        Assert.Empty(Leftovers.HoldersOf(network));
        Assert.Equal($"{two.HostName(1)}\n", await two.ExecAsync(1, "docker", "info", "--format", "{{.Name}}"));
    }

    [SkippableFact]
    public async Task A_killed_daemon_comes_back_and_a_stopped_one_waits_for_start()
    {
        await using var lab = await TestLab.UpAsync("life-f", "--hosts", "1", "--no-berth");
        var first = lab.Pid(1, "engine_pid");

        await lab.LabAsync("engine", "1", "kill");
        await Eventually.HoldsAsync(async () =>
        {
            await lab.RefreshAsync();
            return (lab.Pid(1, "engine_pid") is { } pid && pid != first, lab.Status.ToString());
        });

        await lab.LabAsync("engine", "1", "stop");
        await Task.Delay(TimeSpan.FromSeconds(1.5));
        await lab.RefreshAsync();
        Assert.Null(lab.Pid(1, "engine_pid"));
        await lab.LabAsync("engine", "1", "start");
        await lab.ExecAsync(1, "docker", "info");
    }

    [SkippableFact]
    public async Task Wrong_use_says_what_to_do_and_changes_nothing()
    {
        BerthProgram.SkipUnlessPossible();
        (string[] Arguments, string Says)[] wrong =
        [
            (["lab", "status", "--name", "none"], "berth lab up --name none"),
            (["lab", "up", "--name", "lab1"], "cannot be a lab's name"),
            (["lab", "up", "--name", "life-g", "--subnet", "8.8.8.0/24"], "not a private network"),
            (["lab", "up", "--name", "life-g", "--hosts", "0"], "cannot have 0 hosts"),
            (["lab", "kill", "--name", "none", "none1"], "there is no lab 'none'"),
            (["lab", "up", "--name", "life-g", "--subnet", "127.0.0.0/24"], "not a private network"),
        ];
        foreach (var (arguments, says) in wrong)
        {
            var result = await BerthProgram.RunAsync(arguments);
            Assert.NotEqual(0, result.ExitCode);
            Assert.Contains(says, result.Error);
            Assert.Contains("next:", result.Error);
        }
        Assert.Empty(Leftovers.Of("life-g", "/var/lib/berth/lab/life-g"));
    }

    private static string NewFolder() => Path.Combine(Path.GetTempPath(), "berth-lab-" + Guid.NewGuid().ToString("N")[..8]);
}

[CollectionDefinition(LabLifeTests.Alone)]
public sealed class LabsOfTheirOwn;
