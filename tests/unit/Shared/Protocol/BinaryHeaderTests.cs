using Berth.Protocol;
using CsCheck;

namespace Berth.Tests.Shared.Protocol;

public sealed class BinaryHeaderTests
{
    [Fact]
    public void Bytes_are_read_with_their_padding_and_without() => Gen.Byte.Array[0, 64].Sample(bytes =>
    {
        var text = Convert.ToBase64String(bytes);
        Assert.Equal(bytes, BinaryHeader.Read(text));
        Assert.Equal(bytes, BinaryHeader.Read(text.TrimEnd('=')));
    });

    [Theory]
    [InlineData("a")]
    [InlineData("no base64!")]
    public void What_is_no_base64_is_nothing(string text) => Assert.Null(BinaryHeader.Read(text));
}
