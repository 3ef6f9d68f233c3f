using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Debug;

/// <summary>Puts the pieces that managers send together to files, and these into an archive.</summary>
internal sealed class BundleFiles
{
    private readonly SortedDictionary<string, MemoryStream> _files = new(StringComparer.Ordinal);
    private readonly List<(string Source, string Problem)> _problems = [];

    /// <summary>Files by path, in order.</summary>
    public IEnumerable<(string Path, byte[] Content)> Files => _files.Select(file => (file.Key, file.Value.ToArray()));

    /// <summary>What there is no file of, and why.</summary>
    public IReadOnlyList<(string Source, string Problem)> Problems => _problems;

    /// <summary>Takes a piece.</summary>
    public void Add(DebugPart part)
    {
        if (part.Problem.Length > 0)
        {
            _problems.Add((part.Source, part.Problem));
            return;
        }
        var path = $"{Plain(part.Source)}/{Plain(part.Name)}";
        if (!_files.TryGetValue(path, out var file))
            _files[path] = file = new MemoryStream();
        file.Write(part.Content.Span);
    }

    /// <summary>Writes the archive, everything in one folder, with a page that says what is in it and what is not.</summary>
    public void Write(Stream stream, string folder, string about, DateTimeOffset now)
    {
        using var zipped = new GZipStream(stream, CompressionLevel.Optimal, leaveOpen: true);
        using var archive = new TarWriter(zipped, TarEntryFormat.Pax);
        Write(archive, $"{folder}/README.txt", Encoding.UTF8.GetBytes(Readme(about)), now);
        foreach (var (path, content) in Files)
            Write(archive, $"{folder}/{path}", content, now);
    }

    private static void Write(TarWriter archive, string path, byte[] content, DateTimeOffset now)
    {
        using var data = new MemoryStream(content);
        archive.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, path)
        {
            DataStream = data, ModificationTime = now, Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
    }

    private string Readme(string about)
    {
        var text = new StringBuilder(about).Append("\nKeys, tokens and values of environment variables were taken out before it was sent.\n\nIn it:\n");
        foreach (var (path, content) in Files)
            text.Append("  ").Append(path).Append(", ").Append(content.Length).Append(" bytes\n");
        text.Append(_problems.Count == 0 ? "\nNothing is missing.\n" : "\nNot in it:\n");
        foreach (var (source, problem) in _problems)
            text.Append("  ").Append(source).Append(": ").Append(problem).Append('\n');
        return text.ToString();
    }

    // Whatever a manager calls its files: whoever unpacks them gets them in the archive's own folder.
    private static string Plain(string name) => string.Join('/', name.Split('/').Where(word => word.Length > 0)
        .Select(word => word.All(letter => letter == '.') ? "_" : string.Concat(word.Select(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '-' or '_' ? letter : '_'))));
}
