using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Serialization;
using Berth.Manager.Keys;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Store;

/// <summary>Hands the data keys to <see cref="ClusterSerializer"/>, which Akka makes.</summary>
internal sealed class RowKeysSetup(RowKeys keys) : Setup
{
    public RowKeys Keys { get; } = keys;
}

/// <summary>Writes the store's rows as Protocol Buffers sealed under a data key, named by short texts that stay when classes
/// are renamed. Rows of 0.1, which were not sealed, are read too.</summary>
internal sealed class ClusterSerializer : SerializerWithStringManifest
{
    /// <summary>What rows name it by.</summary>
    public const int Number = 7_301;

    private const string Sealed = "sealed/";
    private const string CommitRow = "commit/1";
    private const string HeaderRow = "snapshot/1";
    private const string ChunkRow = "chunk/1";

    private readonly RowKeys _keys;

    /// <summary>Called by Akka.</summary>
    public ClusterSerializer(ExtendedActorSystem system)
        : base(system) =>
        _keys = system.Settings.Setup.Get<RowKeysSetup>() is { HasValue: true } setup
            ? setup.Value.Keys
            : throw new InvalidOperationException($"the actor system has no {nameof(RowKeysSetup)}; add the store with {nameof(StoreSetup)}");

    /// <inheritdoc/>
    public override int Identifier => Number;

    /// <inheritdoc/>
    public override string Manifest(object o) => Sealed + Row(o);

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj) => Seal(obj, _keys).Bytes;

    /// <summary>A row as the store keeps it.</summary>
    public static (string Manifest, byte[] Bytes) Seal(object row, RowKeys keys)
    {
        var kind = Row(row);
        return (Sealed + kind, keys.Seal(kind, row is Commit commit ? JournalMapper.ToWire(commit) : (Google.Protobuf.IMessage)row));
    }

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, string manifest) => manifest switch
    {
        Sealed + CommitRow => JournalMapper.ToModel(_keys.Open(CommitRow, bytes, V1.JournalCommit.Parser)),
        Sealed + HeaderRow => _keys.Open(HeaderRow, bytes, V1.SnapshotHeader.Parser),
        Sealed + ChunkRow => _keys.Open(ChunkRow, bytes, V1.SnapshotChunk.Parser),
        CommitRow => JournalMapper.ToModel(V1.JournalCommit.Parser.ParseFrom(bytes)),
        HeaderRow => V1.SnapshotHeader.Parser.ParseFrom(bytes),
        ChunkRow => V1.SnapshotChunk.Parser.ParseFrom(bytes),
        _ => throw NotOurs(manifest),
    };

    private static string Row(object row) => row switch
    {
        Commit => CommitRow,
        V1.SnapshotHeader => HeaderRow,
        V1.SnapshotChunk => ChunkRow,
        _ => throw NotOurs(row.GetType().FullName),
    };

    private static InvalidDataException NotOurs(string? what) =>
        new($"'{what}' is not a row this version of berth-manager writes or reads; start the version that wrote it, or a newer one");
}

/// <summary>Stands where Akka would use its JSON serializer: nothing reaches the disk in a form of which nobody decided.</summary>
internal sealed class RefusingSerializer : Serializer
{
    /// <summary>Called by Akka, which hands its JSON serializer settings; there is nothing to set here.</summary>
    public RefusingSerializer(ExtendedActorSystem system, Config settings)
        : base(system) => _ = settings;

    /// <inheritdoc/>
    public override int Identifier => 7_302;

    /// <inheritdoc/>
    public override bool IncludeManifest => false;

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj) =>
        throw new NotSupportedException($"{obj.GetType().FullName} has no serializer; give it a message in journal.proto and a manifest in {nameof(ClusterSerializer)}");

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, Type type) =>
        throw new NotSupportedException($"a row of type {type?.FullName ?? "unknown"} has no serializer");
}
