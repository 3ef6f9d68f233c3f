using System.Text;
using System.Text.Json;

namespace Berth.Manager.Access;

/// <summary>The audit log on disk: JSON lines in <c>audit.log</c> (0600), the full ones beside it as <c>audit.log.1</c> (the newest) and
/// so on. One writer at a time.</summary>
/// <param name="directory">The manager's data directory.</param>
/// <param name="largestBytes">A file that is larger is put aside.</param>
/// <param name="keptFiles">How many are kept, the present one included; the oldest goes.</param>
public sealed class AuditFile(string directory, long largestBytes = AuditFile.DefaultLargestBytes, int keptFiles = AuditFile.DefaultKeptFiles) : IDisposable
{
    /// <summary>About 60,000 lines.</summary>
    public const long DefaultLargestBytes = 16 << 20;

    /// <summary>128 MiB in all.</summary>
    public const int DefaultKeptFiles = 8;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private FileStream? _file;

    /// <summary>Where it is.</summary>
    public string Path { get; } = System.IO.Path.Combine(directory, "audit.log");

    /// <summary>Appends lines, durably.</summary>
    /// <exception cref="IOException">They are not written, or not all of them.</exception>
    public void Append(IReadOnlyCollection<AuditRecord> records)
    {
        try
        {
            var file = _file ??= Open();
            foreach (var record in records)
            {
                file.Write(JsonSerializer.SerializeToUtf8Bytes(record, Json));
                file.WriteByte((byte)'\n');
            }
            file.Flush(flushToDisk: true);
            if (file.Length > largestBytes)
                Rotate();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Dispose();
            throw new IOException($"the audit log '{Path}' cannot be written: {error.Message}; free space on its disk", error);
        }
    }

    /// <summary>The newest so many lines, the newest last. Lines that a crash cut are left out.</summary>
    public IReadOnlyList<AuditRecord> Newest(int count)
    {
        var found = new LinkedList<AuditRecord>();
        for (var number = 0; number < keptFiles && found.Count < count; number++)
        {
            var path = Numbered(number);
            if (!File.Exists(path))
                continue;
            foreach (var line in Enumerable.Reverse(ReadLines(path)))
            {
                if (found.Count == count)
                    break;
                if (Parse(line) is { } record)
                    found.AddFirst(record);
            }
        }
        return [.. found];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        var file = _file;
        _file = null;
        // What could not be flushed has been told of already, to those who waited for it.
        file?.Dispose();
    }

    private FileStream Open()
    {
        var file = new FileStream(Path, new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.Read | FileShare.Delete, UnixCreateMode = OwnerOnly,
        });
        // A crash, or a full disk, may have cut the last line: the next one begins on its own.
        if (file.Length > 0)
        {
            file.Seek(-1, SeekOrigin.End);
            if (file.ReadByte() != '\n')
                file.WriteByte((byte)'\n');
        }
        return file;
    }

    private void Rotate()
    {
        Dispose();
        for (var number = keptFiles - 1; number > 0; number--)
        {
            if (File.Exists(Numbered(number - 1)))
                File.Move(Numbered(number - 1), Numbered(number), overwrite: true);
        }
    }

    private string Numbered(int number) => number == 0 ? Path : $"{Path}.{number}";

    private static List<string> ReadLines(string path)
    {
        using var reader = new StreamReader(
            new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete), Encoding.UTF8);
        var lines = new List<string>();
        while (reader.ReadLine() is { } line)
            lines.Add(line);
        return lines;
    }

    private static AuditRecord? Parse(string line)
    {
        try
        {
            return line.Length == 0 ? null : JsonSerializer.Deserialize<AuditRecord>(line, Json);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
