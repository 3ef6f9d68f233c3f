using Google.Protobuf;

namespace Berth.Manager.Journals.Etcd;

/// <summary>Parts of transactions, as etcd wants them.</summary>
internal static class EtcdTransaction
{
    /// <summary>The key's value is this; a key that does not exist has none.</summary>
    public static V3.Compare IsValue(ByteString key, ByteString value) => new()
    {
        Key = key,
        Result = V3.Compare.Types.CompareResult.Equal,
        Target = V3.Compare.Types.CompareTarget.Value,
        Value = value,
    };

    /// <summary>There is no such key.</summary>
    public static V3.Compare IsAbsent(ByteString key) => new()
    {
        Key = key,
        Result = V3.Compare.Types.CompareResult.Equal,
        Target = V3.Compare.Types.CompareTarget.Create,
        CreateRevision = 0,
    };

    /// <summary>The number a key holds, where a key that was never written counts as 0.</summary>
    public static V3.Compare IsNumber(ByteString key, long number) =>
        number == 0 ? IsAbsent(key) : IsValue(key, EtcdKeys.Value(number));

    /// <summary>This process's term goes on: no other manager has taken the lead.</summary>
    public static V3.Compare IsFence(long epoch) => IsValue(EtcdKeys.Fence, EtcdKeys.Value(epoch));

    /// <summary>Writes a key.</summary>
    public static V3.RequestOp Put(ByteString key, ByteString value) => new() { RequestPut = new() { Key = key, Value = value } };

    /// <summary>Reads a key.</summary>
    public static V3.RequestOp Get(ByteString key) => new() { RequestRange = new() { Key = key } };

    /// <summary>Deletes keys from <paramref name="from"/> to before <paramref name="end"/>.</summary>
    public static V3.RequestOp Delete(ByteString from, ByteString end) => new() { RequestDeleteRange = new() { Key = from, RangeEnd = end } };

    /// <summary>What the read at <paramref name="place"/> found; null when there is no such key.</summary>
    public static V3.KeyValue? Read(this V3.TxnResponse response, int place) => response.Responses[place].ResponseRange.Kvs.FirstOrDefault();
}
