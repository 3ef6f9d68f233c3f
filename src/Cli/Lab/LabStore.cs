using System.Net;
using System.Net.NetworkInformation;
using System.Text.Json;
using Berth.Cli.Output;

namespace Berth.Cli.Lab;

/// <summary>The records of all labs on this machine: one folder per lab under <see cref="Root"/>.</summary>
internal static class LabStore
{
    public const string Root = "/var/lib/berth/lab";
    private const string LockFile = "/run/lock/berth-lab";

    public static string RecordFolder(string name) => Path.Combine(Root, name);

    private static string RecordFile(string name) => Path.Combine(RecordFolder(name), "lab.json");

    /// <summary>Names of the labs that exist, also of half-made ones, in order.</summary>
    public static IReadOnlyList<string> Names() => !Directory.Exists(Root) ? [] :
        [.. Directory.EnumerateDirectories(Root).Select(folder => Path.GetFileName(folder)!)
            .Where(name => File.Exists(RecordFile(name))).Order(StringComparer.Ordinal)];

    public static LabRecord? Find(string name)
    {
        LabRecord.CheckName(name);
        if (!File.Exists(RecordFile(name)))
            return null;
        try
        {
            return LabRecord.FromJson(File.ReadAllText(RecordFile(name)));
        }
        catch (JsonException error)
        {
            throw new UserError($"the record of lab '{name}' cannot be read: {RecordFile(name)}: {error.Message}",
                "restore the file, or remove it when nothing of the lab runs any more");
        }
    }

    /// <exception cref="UserError">There is no such lab; says which there are.</exception>
    public static LabRecord Get(string name) => Find(name) ?? throw new UserError(
        $"there is no lab '{name}' on this machine" + (Names() is [_, ..] names ? $"; there is: {string.Join(", ", names)}" : ""),
        $"make it: berth lab up --name {name} --hosts 3");

    /// <summary>Writes the record so that a crash leaves the old or the new one, never half of it.</summary>
    public static void Save(LabRecord lab)
    {
        MakePrivate(RecordFolder(lab.Name));
        var draft = RecordFile(lab.Name) + ".new";
        File.WriteAllText(draft, lab.ToJson());
        File.Move(draft, RecordFile(lab.Name), overwrite: true);
    }

    public static void Remove(string name)
    {
        File.Delete(RecordFile(name));
        if (Directory.Exists(RecordFolder(name)))
            Directory.Delete(RecordFolder(name));
        RemoveIfEmpty(Root);
        if (Directory.Exists(Root))
            return;
        RemoveIfEmpty(Path.GetDirectoryName(Root)!);
        File.Delete(LockFile);
    }

    public static void RemoveIfEmpty(string folder)
    {
        if (Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any())
            Directory.Delete(folder);
    }

    public static void MakePrivate(string folder) =>
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

    /// <summary>Keeps two commands from changing labs at once; the kernel gives the lock back when the process ends.</summary>
    public static async Task<FileStream> LockAsync(CancellationToken cancel)
    {
        Directory.CreateDirectory("/run/lock");
        var said = false;
        while (true)
        {
            try
            {
                var held = new FileStream(LockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
                // Whoever removed the last lab removed the lock too: then this one keeps nobody out.
                if (File.Exists(LockFile))
                    return held;
                await held.DisposeAsync();
            }
            catch (IOException)
            {
                if (!said)
                    await Console.Error.WriteLineAsync("waiting for another 'berth lab' command to finish");
                said = true;
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, cancel);
            }
        }
    }

    /// <summary>Networks that a new lab must not use: those of other labs and of this machine's interfaces.</summary>
    public static IReadOnlyList<(IPAddress Address, int PrefixLength)> TakenNetworks(string except) =>
    [
        .. from name in Names()
           where name != except
           let lab = Find(name)
           where lab is not null
           select (IPAddress.Parse(lab.Network.Address(0)), 24),
        .. from link in NetworkInterface.GetAllNetworkInterfaces()
           where link.Name != "lab-" + except
           from address in link.GetIPProperties().UnicastAddresses
           select (address.Address, address.PrefixLength),
    ];
}
