using Berth.Model;
using CsCheck;

namespace Berth.Tests.Shared.Model;

public sealed class ObjectIdTests
{
    [Fact]
    public void Every_id_survives_its_text() =>
        Gen.Select(Gen.ULong, Gen.ULong).Sample((high, low) =>
        {
            var id = new TaskId(new UInt128(high, low));
            var text = id.ToString();
            Assert.Equal(ObjectId.Length, text.Length);
            Assert.Matches("^[0-9a-z]{25}$", text);
            Assert.Equal(id, TaskId.Parse(text));
        });

    [Theory]
    [InlineData("")]
    [InlineData("short")]
    [InlineData("0000000000000000000000000A")]
    [InlineData("000000000000000000000000A")]
    [InlineData("zzzzzzzzzzzzzzzzzzzzzzzzz")]
    [InlineData("00000000000000000000000 0")]
    public void What_is_not_an_id_is_refused(string text) => Assert.False(NodeId.TryParse(text, out _));

    [Fact]
    public void A_seed_gives_the_same_ids_again()
    {
        var first = IdSource.Seeded(7);
        var second = IdSource.Seeded(7);
        Assert.Equal(
            Enumerable.Range(0, 100).Select(_ => first.Next()).ToList(),
            Enumerable.Range(0, 100).Select(_ => second.Next()).ToList());
    }

    [Fact]
    public void Random_ids_differ() =>
        Assert.Equal(1000, Enumerable.Range(0, 1000).Select(_ => IdSource.Random.Next()).Distinct().Count());
}
