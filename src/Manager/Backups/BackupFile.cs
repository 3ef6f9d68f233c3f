using Berth.Manager.Store;
using Berth.Model;
using Google.Protobuf;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Backups;

/// <summary>Writes a state as a backup, and reads it back.</summary>
internal static class BackupFile
{
    // As in snapshots; the whole is never in memory.
    private const int ChunkBytes = 1 << 20;

    /// <summary>The backup of <paramref name="state"/>, part by part.</summary>
    /// <param name="state">What to keep; immutable, so that everything may go on meanwhile.</param>
    /// <param name="passphrase">What it can be read with.</param>
    /// <param name="version">Of this manager.</param>
    /// <param name="now">When it is taken.</param>
    public static IEnumerable<ReadOnlyMemory<byte>> Write(ClusterState state, string passphrase, string version, DateTimeOffset now)
    {
        using var seal = BackupSeal.Create(passphrase);
        yield return seal.Header;
        yield return Frame(seal, new V1.BackupRecord { Info = Info(state, version, now) });
        yield return Frame(seal, new V1.BackupRecord { State = Snapshots.Header(state, 1, 0) });
        foreach (var chunk in Snapshots.Split(state, ChunkBytes))
            yield return Frame(seal, new V1.BackupRecord { Chunk = chunk });
        yield return seal.Seal([], isLast: true);
    }

    /// <summary>Reads a backup to its end.</summary>
    /// <exception cref="BackupException">It cannot be read; the message says why.</exception>
    public static BackupContent Read(Stream file, string passphrase)
    {
        var header = new byte[BackupSeal.HeaderBytes];
        if (file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) is var read && read < header.Length)
            header = header[..read];
        using var seal = BackupSeal.Open(header, passphrase);
        var records = Records(seal, file).ToList();
        if (records.Count < 2 || records[0].Info is not { } info || records[1].State is not { } state || records.Skip(2).Any(record => record.Chunk is null))
            throw new BackupException("the backup does not hold what a backup holds; it was made by a newer version, or is damaged");
        return new BackupContent(info, state, [.. records.Skip(2).Select(record => record.Chunk)]);
    }

    private static IEnumerable<V1.BackupRecord> Records(BackupSeal seal, Stream file)
    {
        while (true)
        {
            var (length, isLast) = BackupSeal.ReadLength(Exactly(file, BackupSeal.LengthBytes));
            if (length > BackupSeal.LargestFrame)
                throw new BackupException("the backup is damaged: a part's length cannot be; take another copy of the file");
            var frame = Exactly(file, (int)length + BackupSeal.TagBytes);
            var text = frame.AsSpan(0, (int)length);
            seal.Open(text, frame.AsSpan((int)length), isLast);
            if (isLast)
                break;
            yield return Parse(text);
        }
        if (file.ReadByte() >= 0)
            throw new BackupException("the backup is damaged: something follows its end; take another copy of the file");
    }

    private static V1.BackupRecord Parse(ReadOnlySpan<byte> text)
    {
        try
        {
            return V1.BackupRecord.Parser.ParseFrom(text);
        }
        catch (InvalidProtocolBufferException)
        {
            throw new BackupException("the backup holds a part that this version does not know; use the version that made it, or a newer one");
        }
    }

    private static byte[] Exactly(Stream file, int count)
    {
        var bytes = new byte[count];
        return file.ReadAtLeast(bytes, count, throwOnEndOfStream: false) == count
            ? bytes
            : throw new BackupException("the backup is cut off: its end is missing; take another copy of the file, or another backup");
    }

    private static byte[] Frame(BackupSeal seal, V1.BackupRecord record) => seal.Seal(record.ToByteArray(), isLast: false);

    private static V1.BackupInfo Info(ClusterState state, string version, DateTimeOffset now) => new()
    {
        ClusterId = state.ClusterId is { } id ? JournalMapper.ToWire(id.Value) : null,
        Index = state.Index,
        Epoch = state.Epoch,
        TakenTicks = now.UtcTicks,
        Services = state.Services.Count,
        Stacks = state.Stacks.Count,
        Nodes = state.Nodes.Count,
        Tasks = state.Tasks.Count,
        Version = version,
    };
}

/// <summary>What a backup holds.</summary>
/// <param name="Info">What it is of.</param>
/// <param name="State">As a snapshot's header.</param>
/// <param name="Chunks">As a snapshot's chunks.</param>
internal sealed record BackupContent(V1.BackupInfo Info, V1.SnapshotHeader State, IReadOnlyList<V1.SnapshotChunk> Chunks)
{
    /// <summary>The state itself.</summary>
    public ClusterState ToState() => Snapshots.Join(State, Chunks);

    /// <summary>For people: what it is of.</summary>
    public IEnumerable<string> Describe() =>
    [
        $"cluster:  {(Info.ClusterId is { } id ? new ClusterId(JournalMapper.ToModel(id)) : "none")}",
        $"taken:    {JournalMapper.At(Info.TakenTicks):yyyy-MM-dd HH:mm:ss} UTC by berth-manager {Info.Version}",
        $"index:    {Info.Index}",
        $"epoch:    {Info.Epoch}",
        $"services: {Info.Services} in {Info.Stacks} stacks",
        $"nodes:    {Info.Nodes}",
        $"tasks:    {Info.Tasks}",
    ];
}
