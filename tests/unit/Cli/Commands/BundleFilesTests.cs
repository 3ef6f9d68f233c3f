using System.Formats.Tar;
using System.IO.Compression;
using Berth.Cli.Commands.Debug;
using Berth.Protocol.V1;
using Google.Protobuf;

namespace Berth.Tests.Cli.Commands;

public sealed class BundleFilesTests
{
    [Fact]
    public void Pieces_become_files_and_what_is_missing_is_said()
    {
        var bundle = new BundleFiles();
        bundle.Add(Part("managers/berth1", "log.txt", "one\n"));
        bundle.Add(Part("agents/berth1", "metrics.txt", "x 1\n"));
        bundle.Add(Part("managers/berth1", "log.txt", "two\n"));
        bundle.Add(new DebugPart { Source = "agents/berth2", Problem = "it is not connected" });

        var files = Read(bundle);

        Assert.Equal(["b/README.txt", "b/agents/berth1/metrics.txt", "b/managers/berth1/log.txt"], files.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("one\ntwo\n", files["b/managers/berth1/log.txt"]);
        Assert.Contains("agents/berth2: it is not connected", files["b/README.txt"]);
        Assert.Contains("managers/berth1/log.txt, 8 bytes", files["b/README.txt"]);
    }

    [Theory]
    [InlineData("../../etc", "passwd", "b/_/_/etc/passwd")]
    [InlineData("/root", "../x", "b/root/_/x")]
    [InlineData("agents/we ird\n", "a;b", "b/agents/we_ird_/a_b")]
    public void A_manager_cannot_name_a_file_outside(string source, string name, string path)
    {
        var bundle = new BundleFiles();
        bundle.Add(Part(source, name, "x"));

        Assert.Contains(path, Read(bundle).Keys);
    }

    private static DebugPart Part(string source, string name, string text) => new() { Source = source, Name = name, Content = ByteString.CopyFromUtf8(text) };

    private static Dictionary<string, string> Read(BundleFiles bundle)
    {
        using var written = new MemoryStream();
        bundle.Write(written, "b", "berth 1 collected this.", DateTimeOffset.UnixEpoch);
        written.Position = 0;
        using var reader = new TarReader(new GZipStream(written, CompressionMode.Decompress));
        var files = new Dictionary<string, string>();
        while (reader.GetNextEntry() is { } entry)
            files[entry.Name] = new StreamReader(entry.DataStream!).ReadToEnd();
        return files;
    }
}
