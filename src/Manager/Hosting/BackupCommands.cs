using Berth.Manager.Backups;
using Berth.Manager.Journals.Sqlite;
using Berth.Manager.Keys;
using Berth.Manager.Members;
using Berth.Manager.Store;

namespace Berth.Manager.Hosting;

/// <summary><c>berth-manager inspect</c> and <c>berth-manager restore</c>: what is done with a backup where no manager runs.</summary>
public static class BackupCommands
{
    /// <summary>What <c>--help</c> prints of them.</summary>
    public const string Help = """
        Usage: berth-manager inspect FILE [--passphrase-file PATH]
               berth-manager restore FILE --data DIR [--passphrase-file PATH]

          inspect              shows what a backup is of
          restore              makes a manager's data directory of a backup; the manager that is started on it leads the
                               cluster alone, with everything that was in the backup

          --data DIR           an empty directory, or one that does not exist yet
          --passphrase-file P  a file (mode 0600) whose first line is the passphrase; else it is read from stdin
        """;

    // Agents obey no lower epoch than they have seen, and the cluster may have had many leaders since the backup.
    private const long EpochsLeftOut = 1_000_000;

    private const int Failed = 1;
    private const int WrongUsage = 2;
    private const UnixFileMode ForOthers =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <summary>Whether the command line is one of these.</summary>
    public static bool Are(IReadOnlyList<string> arguments) => arguments is ["inspect" or "restore", ..];

    /// <summary>Runs one.</summary>
    /// <returns>The process's exit code.</returns>
    public static int Run(IReadOnlyList<string> arguments, TextReader stdin, TextWriter stdout, TextWriter stderr, TimeProvider time)
    {
        if (arguments.Contains("--help"))
        {
            stdout.WriteLine(Help);
            return 0;
        }
        var (file, data, passphraseFile, problem) = Parse(arguments);
        if (problem is null && arguments[0] == "restore" && data is null)
            problem = "restore needs --data DIR";
        if (problem is not null)
        {
            stderr.WriteLine($"error: {problem}; run berth-manager {arguments[0]} --help");
            return WrongUsage;
        }
        try
        {
            using var backup = new FileStream(file!, FileMode.Open, FileAccess.Read);
            var content = BackupFile.Read(backup, Passphrase(passphraseFile, stdin));
            if (data is not null && arguments[0] == "restore")
                Restore(content, Path.GetFullPath(data), time);
            foreach (var line in content.Describe())
                stdout.WriteLine(line);
            if (arguments[0] == "restore")
                stdout.WriteLine($"restored to {Path.GetFullPath(data!)}; start berth-manager on it");
            return 0;
        }
        catch (Exception error) when (error is BackupException or StartRefusedException or NewerReleaseException or IOException or InvalidDataException or UnauthorizedAccessException)
        {
            stderr.WriteLine($"error: {file}: {error.Message}");
            return Failed;
        }
    }

    private static void Restore(BackupContent content, string directory, TimeProvider time)
    {
        using var taken = DirectoryLock.Take(directory);
        var file = new KeyFile(directory);
        if (file.Exists)
            throw new InvalidDataException($"'{directory}' holds a manager's keys already; choose an empty directory, or move that one away");
        SocketFile.CloseToOthers();
        // What cannot be put together must not become a directory that looks like one.
        _ = content.ToState();
        var header = content.State.Clone();
        header.Epoch += EpochsLeftOut;
        var keys = new RowKeys(KeyRing.Create(time.GetUtcNow()), file.Path);
        file.Write(keys.Ring, null);
        SqliteSeed.Write(directory, header.Index, header.Epoch, SeedRow.Of(header, content.Chunks, keys, time.GetUtcNow()));
        // Managers of the backup are none of this cluster, unless they are promoted anew.
        new KnownManagers(directory).Recover();
    }

    // Never an argument: everybody on the host can read those.
    private static string Passphrase(string? path, TextReader stdin)
    {
        if (path is null)
            return stdin.ReadLine() ?? throw new InvalidDataException("no passphrase was given; write it to stdin, or name a file with --passphrase-file");
        if ((File.GetUnixFileMode(path) & ForOthers) != 0)
            throw new InvalidDataException($"others may read the passphrase in '{path}'; run chmod 600 {path}");
        using var reader = new StreamReader(path);
        return reader.ReadLine() ?? throw new InvalidDataException($"'{path}' is empty; its first line is to be the passphrase");
    }

    private static (string? File, string? Data, string? PassphraseFile, string? Problem) Parse(IReadOnlyList<string> arguments)
    {
        string? file = null, data = null, passphraseFile = null;
        for (var at = 1; at < arguments.Count; at++)
        {
            var (name, value) = (arguments[at], at + 1 < arguments.Count ? arguments[at + 1] : null);
            switch (name)
            {
                case "--data" or "--passphrase-file" when value is null:
                    return (null, null, null, $"{name} needs a value");
                case "--data":
                    (data, at) = (value, at + 1);
                    break;
                case "--passphrase-file":
                    (passphraseFile, at) = (value, at + 1);
                    break;
                case not null when name.StartsWith('-'):
                    return (null, null, null, $"'{name}' is not an option");
                default:
                    if (file is not null)
                        return (null, null, null, $"'{name}' is too much: one file is read");
                    file = name;
                    break;
            }
        }
        return file is null ? (null, null, null, "no backup is named") : (file, data, passphraseFile, null);
    }
}
