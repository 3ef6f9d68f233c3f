namespace Berth.Tests.Integration.Hosts;

/// <summary>The Debian package: what is in it, whether that runs, and whether systemd takes the units.</summary>
public sealed class PackageTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-package-").FullName;

    private string Tree => Path.Combine(_folder, "tree");

    [SkippableFact]
    public async Task Holds_what_a_host_needs_with_the_right_modes()
    {
        var listed = (await ToolAsync("dpkg-deb", "--contents", await BuildAsync())).Output;

        string[] wanted =
        [
            "-rwxr-xr-x root/root ./usr/bin/berth", "-rwxr-xr-x root/root ./usr/lib/berth/berth-agent", "-rwxr-xr-x root/root ./usr/lib/berth/berth-runc",
            "-rwxr-xr-x root/root ./usr/lib/berth/manager/berth-manager", "-rw-r--r-- root/root ./usr/lib/berth/manager/berth-manager.dll",
            "-rw-r--r-- root/root ./lib/systemd/system/berth-agent.service", "-rw-r--r-- root/root ./lib/systemd/system/berth-manager.service",
            "-rw-r--r-- root/root ./lib/systemd/system/berth-manager.path", "-rw-r--r-- root/root ./lib/systemd/system/berth-etcd.service",
            "-rw-r--r-- root/root ./lib/systemd/system/berth-etcd.path", "-rw-r--r-- root/root ./usr/lib/sysusers.d/berth.conf",
            "-rw-r--r-- root/root ./etc/default/berth-agent", "-rw-r--r-- root/root ./etc/default/berth-manager",
            "-rw-r--r-- root/root ./usr/share/doc/berth/install.md",
        ];
        var lines = listed.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(columns => $"{columns[0]} {columns[1]} {columns[^1]}")
            .ToList();
        Assert.All(wanted, file => Assert.Contains(file, lines));
        Assert.All(lines, line => Assert.Contains(" root/root ", line));
        Assert.DoesNotContain(lines, line => line.Contains("/runtimes/win", StringComparison.Ordinal));
        // State is made by the daemons: a package that held it would take it away again.
        Assert.DoesNotContain(lines, line => line.Contains("./var", StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task Its_programs_start_and_are_of_the_packages_version()
    {
        var package = await BuildAsync();
        await UnpackAsync(package);
        var version = (await ToolAsync("dpkg-deb", "--field", package, "Version")).Output.Trim();

        var cli = (await BerthProgram.RunToolAsync(Path.Combine(Tree, "usr/bin/berth"), ["--version"])).Succeeded();
        var agent = (await BerthProgram.RunToolAsync(Path.Combine(Tree, "usr/lib/berth/berth-agent"), ["--version"])).Succeeded();
        var manager = (await BerthProgram.RunToolAsync(Path.Combine(Tree, "usr/lib/berth/manager/berth-manager"), ["--version"])).Succeeded();

        Assert.Contains(version, cli.Output);
        Assert.Equal($"berth-agent {version}", agent.Output.Trim());
        Assert.Equal($"berth-manager {version}", manager.Output.Trim());
    }

    [SkippableFact]
    public async Task Purging_alone_removes_state_and_nothing_touches_containers()
    {
        var package = await BuildAsync();
        var control = Path.Combine(_folder, "control");
        await ToolAsync("dpkg-deb", "--control", package, control);

        foreach (var script in new[] { "preinst", "postinst", "prerm", "postrm" })
        {
            await ToolAsync("sh", "-n", Path.Combine(control, script));
            var text = await File.ReadAllTextAsync(Path.Combine(control, script));
            Assert.DoesNotContain("docker stop", text);
            Assert.DoesNotContain("docker rm", text);
            var removal = text.IndexOf("rm -rf /var/lib/berth", StringComparison.Ordinal);
            Assert.Equal(script == "postrm", removal >= 0);
            Assert.True(removal < 0 || removal > text.IndexOf("purge)", StringComparison.Ordinal), "state is removed before 'purge)'");
        }
        Assert.Equal(["/etc/default/berth-agent", "/etc/default/berth-manager"], await File.ReadAllLinesAsync(Path.Combine(control, "conffiles")));
    }

    [SkippableFact]
    public async Task Systemd_finds_nothing_wrong_with_the_units()
    {
        Skip.IfNot(File.Exists("/usr/bin/systemd-analyze"), "systemd-analyze is not installed; run: apt-get install systemd");
        await UnpackAsync(await BuildAsync());
        // etcd is another package's; a unit whose program is missing is wrong.
        File.CreateSymbolicLink(Path.Combine(Tree, "usr/bin/etcd"), "berth");

        var units = Directory.GetFiles(Path.Combine(Tree, "lib/systemd/system"), "berth-*");
        foreach (var unit in units)
        {
            var text = await File.ReadAllTextAsync(unit);
            await File.WriteAllTextAsync(unit, text.Replace("ExecStart=", $"ExecStart={Tree}", StringComparison.Ordinal));
        }

        Assert.Equal(5, units.Length);
        foreach (var unit in units)
        {
            var verified = await BerthProgram.RunToolAsync("systemd-analyze", ["verify", unit]);
            Assert.True(verified.ExitCode == 0 && !verified.Error.Contains("berth", StringComparison.Ordinal), verified.Command + "\n" + verified.Error);
        }
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return Task.CompletedTask;
    }

    private async Task<string> BuildAsync()
    {
        Skip.IfNot(File.Exists("/usr/bin/dpkg-deb"), "dpkg-deb is not installed: this machine is no Debian");
        Skip.IfNot(File.Exists(BerthProgram.Berth), $"{BerthProgram.Berth} is not built; run: make publish");
        var script = Path.Combine(BerthProgram.Root, "scripts/packaging/build-deb.sh");
        return (await ToolAsync(script, BerthProgram.Binaries, _folder)).Output.Trim();
    }

    private Task<CommandResult> UnpackAsync(string package) => ToolAsync("dpkg", "-x", package, Tree);

    private static async Task<CommandResult> ToolAsync(string program, params string[] arguments) =>
        (await BerthProgram.RunToolAsync(program, arguments)).Succeeded();
}
