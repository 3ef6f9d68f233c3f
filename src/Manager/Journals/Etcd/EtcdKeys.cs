using System.Globalization;
using Google.Protobuf;

namespace Berth.Manager.Journals.Etcd;

/// <summary>Which key holds what. Numbers have as many digits as the largest, so that keys sort as numbers do.</summary>
internal static class EtcdKeys
{
    /// <summary>Number of the format; changed only by versions that write another.</summary>
    public static ByteString Format { get; } = ByteString.CopyFromUtf8("berth/format");

    /// <summary>The record of who leads; changes with each sign of life.</summary>
    public static ByteString Leader { get; } = ByteString.CopyFromUtf8("berth/leader");

    /// <summary>Where the state has moved to; absent while it is here.</summary>
    public static ByteString Moved { get; } = ByteString.CopyFromUtf8("berth/moved");

    /// <summary>The epoch whose leader may write; changes only when the lead does. Every write compares it.</summary>
    public static ByteString Fence { get; } = ByteString.CopyFromUtf8("berth/fence");

    /// <summary>Highest sequence number of a log.</summary>
    public static ByteString Head(string log) => Key($"berth/log/{Escape(log)}/head");

    /// <summary>Highest sequence number that was deleted from a log.</summary>
    public static ByteString Deleted(string log) => Key($"berth/log/{Escape(log)}/deleted");

    /// <summary>One commit of a log.</summary>
    public static ByteString Row(string log, long number) => Key($"berth/log/{Escape(log)}/rows/{Digits(number)}");

    /// <summary>One snapshot, or one chunk of one.</summary>
    public static ByteString Snapshot(string log, long number) => Key($"berth/snapshots/{Escape(log)}/{Digits(number)}");

    /// <summary>The number that ends a key of a row or a snapshot.</summary>
    public static long NumberOf(ByteString key) => Parse(key.ToStringUtf8()[^19..]);

    /// <summary>A number as the value of a key.</summary>
    public static ByteString Value(long number) => ByteString.CopyFromUtf8(number.ToString(CultureInfo.InvariantCulture));

    /// <summary>A key's value as a number; 0 when there is no such key.</summary>
    public static long NumberIn(V3.KeyValue? pair) => pair is null ? 0 : Parse(pair.Value.ToStringUtf8());

    private static long Parse(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        ? number
        : throw new InvalidDataException($"etcd holds '{text}' where a number belongs: something else writes under berth/. Restore the cluster from a backup");

    private static string Digits(long number) => number.ToString("D19", CultureInfo.InvariantCulture);

    // Names of logs are ours, but a slash in one must not reach into another's keys.
    private static string Escape(string log) => Uri.EscapeDataString(log);

    private static ByteString Key(string text) => ByteString.CopyFromUtf8(text);
}
