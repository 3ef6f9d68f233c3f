using System.Globalization;
using Berth.Cli.Output;

namespace Berth.Cli.Lab;

/// <summary>The small disk that a host's manager and etcd have for themselves where the lab was made with <c>--disk</c>: a file
/// with a file system, mounted by the host. It can be filled and slowed without harm to anything else.</summary>
internal static class LabDisk
{
    // Of this size a slow disk still answers, but a sync takes tens of milliseconds.
    private const int SlowWritesPerSecond = 20;

    /// <summary>Makes the disk where it is missing; its content outlives power loss.</summary>
    public static async Task PrepareAsync(LabRecord lab, int number, CancellationToken cancel)
    {
        var image = Image(lab, number);
        if (lab.DiskMegabytes == 0 || File.Exists(image))
            return;
        var draft = image + ".new";
        await using (var file = File.Create(draft))
            file.SetLength((long)lab.DiskMegabytes << 20);
        await Tool.RunAsync("mkfs.ext4", ["-q", "-F", draft], cancel);
        File.Move(draft, image);
    }

    /// <summary>Fills it to the last byte.</summary>
    public static async Task FillAsync(LabRecord lab, int number, CancellationToken cancel)
    {
        var folder = Require(lab, number);
        await InsideAsync(lab, number, $"cat /dev/zero >{folder}/fill 2>/dev/null; sync -f {folder}", cancel);
    }

    /// <summary>Lets it write so slowly that each sync is felt.</summary>
    public static async Task SlowAsync(LabRecord lab, int number, CancellationToken cancel)
    {
        Require(lab, number);
        await ThrottleAsync(lab, number, SlowWritesPerSecond, cancel);
    }

    /// <summary>Takes back what <see cref="FillAsync"/> and <see cref="SlowAsync"/> did.</summary>
    public static async Task HealAsync(LabRecord lab, int number, CancellationToken cancel)
    {
        var folder = Require(lab, number);
        await ThrottleAsync(lab, number, 0, cancel);
        await InsideAsync(lab, number, $"rm -f {folder}/fill", cancel);
    }

    private static string Image(LabRecord lab, int number) => Path.Combine(lab.HostDirectory(number), "disk.img");

    private static string Require(LabRecord lab, int number)
    {
        LabHost.Init(lab, number);
        return lab.DiskMegabytes > 0 ? Path.Combine(lab.HostDirectory(number), "disk") : throw new UserError(
            $"the managers of lab '{lab.Name}' keep their data in folders of this machine, whose disk is not the lab's to fill or slow",
            $"make the lab anew with small disks: berth lab down --name {lab.Name}; berth lab up --name {lab.Name} --disk 256", ExitCode.WrongUsage);
    }

    // The kernel attributes synchronous writes to the group of who syncs. 0 takes the limit away.
    private static async Task ThrottleAsync(LabRecord lab, int number, int writesPerSecond, CancellationToken cancel)
    {
        var group = Path.Combine("/sys/fs/cgroup/blkio", lab.EngineCgroup(number));
        if (!Directory.Exists("/sys/fs/cgroup/blkio"))
        {
            throw new UserError("this machine cannot slow a disk: no blkio control group of version 1 is mounted",
                "mount -t cgroup -o blkio cgroup /sys/fs/cgroup/blkio, where the kernel has it; filling the disk works without");
        }
        Directory.CreateDirectory(group);
        var device = await DeviceAsync(lab, number, cancel);
        await File.WriteAllTextAsync(Path.Combine(group, "blkio.throttle.write_iops_device"),
            string.Create(CultureInfo.InvariantCulture, $"{device} {writesPerSecond}"), cancel);
        if (writesPerSecond == 0)
            return;
        foreach (var process in Cgroups.Processes(lab.EngineCgroup(number)))
        {
            // One that ended meanwhile needs no limit; those that come later inherit it from process 1.
            try
            {
                await File.WriteAllTextAsync(Path.Combine(group, "cgroup.procs"), string.Create(CultureInfo.InvariantCulture, $"{process}"), cancel);
            }
            catch (IOException) when (!HostProcesses.IsAlive(process))
            {
                continue;
            }
        }
    }

    // MAJOR:MINOR of the loop device, as the host's mounts name it.
    private static async Task<string> DeviceAsync(LabRecord lab, int number, CancellationToken cancel)
    {
        var folder = Path.Combine(lab.HostDirectory(number), "disk");
        var mounts = await File.ReadAllLinesAsync(string.Create(CultureInfo.InvariantCulture, $"/proc/{LabHost.Init(lab, number)}/mountinfo"), cancel);
        return mounts.Select(line => line.Split(' ')).Where(fields => fields[4] == folder).Select(fields => fields[2]).LastOrDefault()
            ?? throw new UserError($"the disk of {lab.HostName(number)} is not mounted", $"read {lab.HostDirectory(number)}/log/init.log");
    }

    private static Task InsideAsync(LabRecord lab, int number, string script, CancellationToken cancel) => Tool.RunAsync("nsenter",
        ["-t", LabHost.Init(lab, number).ToString(CultureInfo.InvariantCulture), "--mount", "--", "sh", "-c", script + "; true"], cancel);
}
