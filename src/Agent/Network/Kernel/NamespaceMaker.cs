using System.Net;
using System.Runtime.InteropServices;

namespace Berth.Agent.Network.Kernel;

/// <summary>An interface that a container is to have.</summary>
/// <param name="HostInterface">The host's end.</param>
/// <param name="Address">The container's address.</param>
/// <param name="Subnet">Its network.</param>
/// <param name="Mtu">Bytes.</param>
/// <param name="IsInternal">Whether it is no way out.</param>
internal sealed record ContainerInterface(string HostInterface, IPAddress Address, IPNetwork Subnet, int Mtu, bool IsInternal);

/// <summary>Makes and removes containers' network namespaces: a mount each, named by the container's id, so that they outlive the agent.</summary>
/// <remarks>A namespace belongs to a thread: each is made on one of its own, which ends with it.</remarks>
/// <param name="directory">Where they are.</param>
internal sealed class NamespaceMaker(string directory)
{
    /// <summary>The runtime <c>berth</c> looks into every folder in it; each agent has its own.</summary>
    public const string All = "/run/berth/netns";

    // Rules of a namespace of a task's own: nobody else's are in it.
    private const uint FirstTable = 100;
    private const uint SourcePriority = 100;

    // What the engine would have set, had it made the namespace.
    private static readonly (string Path, string Value)[] Settings =
    [
        ("net/ipv4/ip_unprivileged_port_start", "0"),
        ("net/ipv4/ping_group_range", "0 2147483647"),
        ("net/ipv6/conf/all/disable_ipv6", "1"),
        ("net/ipv6/conf/default/disable_ipv6", "1"),
    ];

    /// <summary>Makes a namespace with its interfaces, each with the container's routes.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="interfaces">In the order of their networks.</param>
    /// <param name="host">To make the host's ends.</param>
    /// <exception cref="IOException">The kernel refused; nothing is left of it.</exception>
    public Task MakeAsync(string name, IReadOnlyList<ContainerInterface> interfaces, HostKernel host) => OnThreadAsync(name, () =>
    {
        Remove(name);
        try
        {
            Make(name, interfaces, host);
        }
        catch
        {
            Remove(name);
            throw;
        }
    });

    private void Make(string name, IReadOnlyList<ContainerInterface> interfaces, HostKernel host)
    {
        MakeDirectory();
        var path = Path.Combine(directory, name);
        Check(Libc.Unshare(Libc.NewNetwork), "make a network namespace");
        foreach (var (setting, value) in Settings)
            Set(setting, value);
        using var inside = NetlinkSocket.Open();
        var descriptor = Check(Libc.OpenFile("/proc/thread-self/ns/net"), "open the new network namespace");
        try
        {
            inside.Do(LinkMessages.Up(1), "bring up the loopback device");
            for (var at = 0; at < interfaces.Count; at++)
                Add(interfaces, at, host, inside, descriptor);
            File.WriteAllText(path, "");
            Check(Libc.Mount("/proc/thread-self/ns/net", path, null, Libc.BindMount, 0), $"keep the network namespace at {path}");
        }
        finally
        {
            _ = Libc.Close(descriptor);
        }
    }

    /// <summary>Removes namespaces; what is not there is removed. What still runs in one keeps it.</summary>
    public Task RemoveAsync(IReadOnlyCollection<string> names) => OnThreadAsync("removal", () =>
    {
        foreach (var name in names)
            Remove(name);
    });

    private void Remove(string name)
    {
        var path = Path.Combine(directory, name);
        while (File.Exists(path) && Libc.Unmount(path, Libc.DetachMount) == 0)
        {
            // A namespace that was kept twice is let go of twice.
        }
        if (Directory.Exists(directory))
            File.Delete(path);
    }

    /// <summary>Names of those that are kept.</summary>
    public async Task<IReadOnlyList<string>> NamesAsync()
    {
        IReadOnlyList<string> names = [];
        await OnThreadAsync("list", () =>
        {
            if (Directory.Exists(directory))
                names = [.. Directory.EnumerateFiles(directory).Select(Path.GetFileName).OfType<string>()];
        }).ConfigureAwait(false);
        return names;
    }

    /// <summary>Tries in a namespace of its own whether the kernel has what networks need.</summary>
    /// <returns>What is missing and what to do, one sentence each.</returns>
    public static async Task<IReadOnlyList<string>> MissingAsync()
    {
        var missing = new List<string>();
        try
        {
            await OnThreadAsync("try", () =>
            {
                Check(Libc.Unshare(Libc.NewNetwork), "make a network namespace");
                using var inside = NetlinkSocket.Open();
                var descriptor = Check(Libc.OpenFile("/proc/thread-self/ns/net"), "open the new network namespace");
                Try(missing, inside, LinkMessages.Veth("try0", HardwareAddress.OfHostEnd, "try1", new HardwareAddress(0x0662_0000_0002), 1450, descriptor),
                    "the kernel makes no veth pairs: modprobe veth");
                Try(missing, inside, LinkMessages.Vxlan(new OverlayDevice(IPAddress.Loopback, 1450)), "the kernel makes no VXLAN devices: modprobe vxlan");
                _ = Libc.Close(descriptor);
            }).ConfigureAwait(false);
        }
        catch (IOException refused)
        {
            missing.Add($"{refused.Message}: the agent needs root with CAP_SYS_ADMIN and CAP_NET_ADMIN, and a kernel with network namespaces");
        }
        return missing;
    }

    private static void Try(List<string> missing, NetlinkSocket socket, NetlinkMessage message, string lack)
    {
        try
        {
            socket.Do(message, "try");
        }
        catch (NetlinkException refused)
        {
            missing.Add($"{lack} ({refused.Message})");
        }
    }

    private static void Add(IReadOnlyList<ContainerInterface> interfaces, int at, HostKernel host, NetlinkSocket inside, int descriptor)
    {
        var one = interfaces[at];
        var name = InterfaceNames.Inside(at);
        // One of a namespace that was just let go of may still be there.
        host.Remove(one.HostInterface);
        host.Make(LinkMessages.Veth(one.HostInterface, HardwareAddress.OfHostEnd, name, HardwareAddress.OfContainer(one.Address), one.Mtu, descriptor), one.HostInterface);
        var index = (int)Libc.InterfaceIndex(name);
        inside.Do(LinkMessages.Up(index), $"bring up {name}");
        inside.Do(LinkMessages.Address(true, index, one.Address, one.Subnet.PrefixLength, RouteAttribute.ScopeUniverse, routed: false), $"give {name} its address");
        // Everything goes through the host, also to a neighbour: nobody is asked for hardware addresses.
        inside.Do(LinkMessages.Neighbour(true, index, HostPlan.Resolver, HardwareAddress.OfHostEnd), $"tell {name} of the host");
        Route(inside, new HostRoute(one.Subnet, name, HostPlan.Resolver, one.Address), index);
        var way = interfaces.FirstOrDefault(other => !other.IsInternal) ?? interfaces[0];
        if (at == 0)
            Route(inside, new HostRoute(new IPNetwork(HostPlan.Resolver, 32), name, Source: one.Address), index);
        if (ReferenceEquals(one, way) && !one.IsInternal)
            Route(inside, new HostRoute(new IPNetwork(IPAddress.Any, 0), name, HostPlan.Resolver, one.Address), index);
        if (interfaces.Count == 1 && !one.IsInternal)
            return;
        // Who was called at one of several addresses answers from it, and by its interface; what may leave the host decides.
        var table = FirstTable + (uint)at;
        Route(inside, new HostRoute(new IPNetwork(IPAddress.Any, 0), name, HostPlan.Resolver, one.Address, table), index);
        inside.Do(LinkMessages.Rule(true, new HostRule(SourcePriority + (uint)at, 0, 0, table, Source: one.Address), HostPlan.Protocol), $"route what {one.Address} sends");
    }

    private static void Route(NetlinkSocket inside, HostRoute route, int index) =>
        inside.Do(LinkMessages.Route(true, route, index, HostPlan.Protocol), $"route {route.Destination} by {route.Device}");

    private static void Set(string setting, string value)
    {
        var path = Path.Combine("/proc/sys", setting);
        if (File.Exists(path))
            File.WriteAllText(path, value);
    }

    private void MakeDirectory()
    {
        if (!Directory.Exists(directory))
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private static int Check(int result, string what) =>
        result >= 0 ? result : throw new NetlinkException(Marshal.GetLastPInvokeError(), $"{what}: {Libc.LastError}");

    private static Task OnThreadAsync(string name, Action work)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            try
            {
                JoinHostMounts();
                work();
                done.SetResult();
            }
            catch (Exception failed)
            {
                done.SetException(failed);
            }
        })
        { IsBackground = true, Name = $"netns {name}" };
        thread.Start();
        return done.Task;
    }

    // A service manager may have given the agent mounts of its own, which the engine would not see.
    private static void JoinHostMounts()
    {
        if (SameMounts())
            return;
        var descriptor = Check(Libc.OpenFile("/proc/1/ns/mnt"), "open the host's mounts");
        try
        {
            Check(Libc.Unshare(Libc.FileSystem), "leave the agent's mounts");
            Check(Libc.Enter(descriptor, Libc.NewMounts), "use the host's mounts");
        }
        finally
        {
            _ = Libc.Close(descriptor);
        }
    }

    // Who may not see the host's mounts cannot use them either; what follows says what is not allowed.
    private static bool SameMounts()
    {
        try
        {
            return new FileInfo("/proc/1/ns/mnt").LinkTarget is not { } host || host == new FileInfo("/proc/thread-self/ns/mnt").LinkTarget;
        }
        catch (Exception hidden) when (hidden is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }
}
