using Berth.Stacks.Values;
using CsCheck;

namespace Berth.Tests.Shared.Stacks;

public sealed class ValueTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("10s", 10_000)]
    [InlineData("1m30s", 90_000)]
    [InlineData("1.5h", 5_400_000)]
    [InlineData("500ms", 500)]
    [InlineData(".5s", 500)]
    [InlineData("1500us", 1.5)]
    [InlineData("-2s", -2_000)]
    public void Durations_are_read_as_go_reads_them(string text, double milliseconds)
    {
        Assert.True(GoDuration.TryParse(text, out var duration));
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), duration);
    }

    [Theory]
    [InlineData("")]
    [InlineData("10")]
    [InlineData("s")]
    [InlineData(".s")]
    [InlineData("1d")]
    [InlineData("10 s")]
    [InlineData("1m 30s")]
    [InlineData("--1s")]
    [InlineData("300y")]
    [InlineData("9999999999h")]
    [InlineData("99999999999999999999999999999999999999999999s")]
    public void What_is_no_duration_is_refused(string text) => Assert.False(GoDuration.TryParse(text, out _));

    [Fact]
    public void Every_duration_reads_back_from_its_text() =>
        Gen.Long[-long.MaxValue / 200, long.MaxValue / 200].Select(TimeSpan.FromTicks).Sample(duration =>
            GoDuration.TryParse(GoDuration.Format(duration), out var again) && again == duration);

    [Fact]
    public void Short_durations_read_back_from_their_text() =>
        Gen.Long[0, 100_000_000].Select(TimeSpan.FromTicks).Sample(duration =>
            GoDuration.TryParse(GoDuration.Format(duration), out var again) && again == duration);

    [Theory]
    [InlineData("0", 0)]
    [InlineData("512M", 536870912)]
    [InlineData("1gb", 1073741824)]
    [InlineData("1.5k", 1536)]
    [InlineData("64KiB", 65536)]
    [InlineData("10 m", 10485760)]
    [InlineData("100000000", 100000000)]
    [InlineData("7b", 7)]
    public void Sizes_are_read_as_docker_reads_them(string text, long bytes)
    {
        Assert.True(ByteSize.TryParse(text, out var read));
        Assert.Equal(bytes, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("M")]
    [InlineData("lots")]
    [InlineData("-1M")]
    [InlineData("1x")]
    [InlineData("1.M")]
    [InlineData("10000000P")]
    [InlineData("99999999999999999999999999999")]
    public void What_is_no_size_is_refused(string text) => Assert.False(ByteSize.TryParse(text, out _));

    [Fact]
    public void Every_size_reads_back_from_its_text() =>
        Gen.Long[0, long.MaxValue].Sample(bytes => ByteSize.TryParse(ByteSize.Format(bytes), out var again) && again == bytes);

    [Fact]
    public void Every_share_of_cores_reads_back_from_its_text() =>
        Gen.Long[0, long.MaxValue].Sample(cpus => CpuAmount.TryParse(CpuAmount.Format(cpus), out var again) && again == cpus);

    [Theory]
    [InlineData("0.5", true)]
    [InlineData("2", true)]
    [InlineData("0.0000000001", false)]
    [InlineData("-1", false)]
    [InlineData("1e3", false)]
    [InlineData("", false)]
    public void Cores_have_at_most_nine_decimals(string text, bool isValid) => Assert.Equal(isValid, CpuAmount.TryParse(text, out _));

    [Fact]
    public void Quoted_words_read_back_whole() =>
        Gen.String[Gen.Char[' ', '~'], 0, 20].Where(word => !word.Contains('\'')).Array[0, 5].Sample(words =>
            ShellWords.TrySplit(string.Join(' ', words.Select(word => $"'{word}'")), out var again, out _, out _) && again.SequenceEqual(words));

    [Fact]
    public void A_comment_ends_a_command_and_is_told()
    {
        Assert.True(ShellWords.TrySplit("echo a#b # rest", out var words, out var comment, out _));
        Assert.Equal(["echo", "a#b"], words);
        Assert.Equal("# rest", comment);
    }

    [Theory]
    [InlineData("replcas", "replicas")]
    [InlineData("IMAGE", "image")]
    [InlineData("zzz", null)]
    public void The_nearest_word_is_guessed_only_when_near(string written, string? expected) =>
        Assert.Equal(expected, Nearest.To(written, ["replicas", "image", "command"]));
}
