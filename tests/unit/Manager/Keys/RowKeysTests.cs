using System.Buffers.Binary;
using Berth.Manager.Keys;
using CsCheck;
using Google.Protobuf;
using V1 = Berth.Protocol.V1;

namespace Berth.Tests.Manager.Keys;

/// <summary>What is sealed is read back, and nothing else is taken for it.</summary>
public sealed class RowKeysTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly Gen<V1.JournalCommit> Commits = Gen.Select(
        Gen.Long[1, 1_000_000], Gen.String[0, 3_000].Array[0, 4],
        (index, names) => new V1.JournalCommit { Index = index, Changes = { names.Select(name => new V1.JournalChange { StackRemoved = name }) } });

    [Fact]
    public void A_sealed_row_opens_to_what_it_was_also_elsewhere_and_after_rotations() => Gen.Select(Commits, Gen.Int[0, 3]).Sample((commit, rotations) =>
    {
        var ring = KeyRing.Create(Noon);
        var row = Keys(ring).Seal("commit/1", commit);
        for (var rotation = 0; rotation < rotations; rotation++)
        {
            var key = DataKey.Create(Noon);
            ring = ring.With(key).Using(key.Id);
        }

        Assert.Equal(commit, Keys(ring).Open("commit/1", row, V1.JournalCommit.Parser));
        Assert.Equal(RowKeys.Overhead + commit.CalculateSize(), row.Length);
    });

    [Fact]
    public void A_row_with_any_bit_changed_does_not_open() => Gen.Select(Commits, Gen.Int[0, int.MaxValue]).Sample((commit, bit) =>
    {
        var keys = Keys(KeyRing.Create(Noon));
        var row = keys.Seal("commit/1", commit);
        bit %= row.Length * 8;
        row[bit / 8] ^= (byte)(1 << (bit % 8));

        Assert.Throws<InvalidDataException>(() => keys.Open("commit/1", row, V1.JournalCommit.Parser));
    });

    [Fact]
    public void A_row_cut_anywhere_does_not_open()
    {
        var keys = Keys(KeyRing.Create(Noon));
        var row = keys.Seal("commit/1", new V1.JournalCommit { Index = 7 });

        for (var length = 0; length < row.Length; length++)
            Assert.Throws<InvalidDataException>(() => keys.Open("commit/1", row[..length], V1.JournalCommit.Parser));
    }

    [Fact]
    public void A_row_is_never_taken_for_one_of_another_kind()
    {
        var keys = Keys(KeyRing.Create(Noon));
        var row = keys.Seal("snapshot/1", new V1.SnapshotHeader { Index = 7 });

        Assert.Throws<InvalidDataException>(() => keys.Open("commit/1", row, V1.JournalCommit.Parser));
    }

    [Fact]
    public void Equal_rows_are_sealed_differently_each_time_and_show_nothing_of_their_content()
    {
        var keys = Keys(KeyRing.Create(Noon));
        var commit = new V1.JournalCommit { Index = 7, Changes = { new V1.JournalChange { StackRemoved = "PASSWORD=hunter2" } } };
        var rows = Enumerable.Range(0, 100).Select(_ => keys.Seal("commit/1", commit)).ToList();

        Assert.Equal(100, rows.Select(Convert.ToHexString).Distinct().Count());
        Assert.All(rows, row => Assert.Equal(-1, row.AsSpan().IndexOf("hunter2"u8)));
    }

    [Fact]
    public void New_rows_name_the_new_key_at_once()
    {
        var keys = Keys(KeyRing.Create(Noon));
        var key = DataKey.Create(Noon);
        keys.Use(keys.Ring.With(key));
        Assert.NotEqual(key.Id, KeyOf(keys.Seal("commit/1", new V1.JournalCommit())));

        keys.Use(keys.Ring.Using(key.Id));
        Assert.Equal(key.Id, KeyOf(keys.Seal("commit/1", new V1.JournalCommit())));
        Assert.Equal([key.Id], keys.Ring.WithoutEarlier().Keys.Select(each => each.Id));
    }

    [Fact]
    public void A_missing_key_is_named_with_what_to_do()
    {
        var ring = KeyRing.Create(Noon);
        var row = Keys(ring).Seal("commit/1", new V1.JournalCommit { Index = 7 });
        var other = KeyRing.Create(Noon);

        var message = Assert.Throws<InvalidDataException>(() => Keys(other).Open("commit/1", row, V1.JournalCommit.Parser)).Message;
        Assert.Contains($"data key {ring.Current.Id}", message);
        Assert.Contains($"it has {other.Current.Id}", message);
        Assert.Contains("Copy '/data/keys.json' from another manager", message);
    }

    [Fact]
    public void A_wrong_key_of_that_id_is_named_with_what_to_do()
    {
        var ring = KeyRing.Create(Noon);
        var row = Keys(ring).Seal("commit/1", new V1.JournalCommit { Index = 7 });
        var wrong = KeyRing.Restore(1, ring.Current.Id, [new DataKey(ring.Current.Id, Noon, new byte[DataKey.SecretBytes])]);

        var message = Assert.Throws<InvalidDataException>(() => Keys(wrong).Open("commit/1", row, V1.JournalCommit.Parser)).Message;
        Assert.Contains($"names data key {ring.Current.Id} does not open", message);
    }

    [Fact]
    public void Many_threads_seal_and_open_while_keys_change()
    {
        var keys = Keys(KeyRing.Create(Noon));
        Parallel.For(0, 2_000, number =>
        {
            if (number % 500 == 250)
            {
                var key = DataKey.Create(Noon);
                lock (keys)
                    keys.Use(keys.Ring.With(key).Using(key.Id));
            }
            var row = keys.Seal("commit/1", new V1.JournalCommit { Index = number });
            Assert.Equal(number, keys.Open("commit/1", row, V1.JournalCommit.Parser).Index);
        });
    }

    private static RowKeys Keys(KeyRing ring) => new(ring, "/data/keys.json");

    private static KeyId KeyOf(byte[] row) => new(BinaryPrimitives.ReadUInt64LittleEndian(row.AsSpan(1)));
}
