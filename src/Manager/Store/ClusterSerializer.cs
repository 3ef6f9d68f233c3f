using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;
using Google.Protobuf;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Store;

/// <summary>Writes the store's rows as Protocol Buffers, named by short texts that stay when classes are renamed.</summary>
internal sealed class ClusterSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    private const string CommitRow = "commit/1";
    private const string HeaderRow = "snapshot/1";
    private const string ChunkRow = "chunk/1";

    /// <inheritdoc/>
    public override int Identifier => 7_301;

    /// <inheritdoc/>
    public override string Manifest(object o) => o switch
    {
        Commit => CommitRow,
        V1.SnapshotHeader => HeaderRow,
        V1.SnapshotChunk => ChunkRow,
        _ => throw NotOurs(o.GetType().FullName),
    };

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj) => obj switch
    {
        Commit commit => JournalMapper.ToWire(commit).ToByteArray(),
        IMessage message => message.ToByteArray(),
        _ => throw NotOurs(obj.GetType().FullName),
    };

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, string manifest) => manifest switch
    {
        CommitRow => JournalMapper.ToModel(V1.JournalCommit.Parser.ParseFrom(bytes)),
        HeaderRow => V1.SnapshotHeader.Parser.ParseFrom(bytes),
        ChunkRow => V1.SnapshotChunk.Parser.ParseFrom(bytes),
        _ => throw NotOurs(manifest),
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
