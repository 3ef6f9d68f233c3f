using System.Collections.Immutable;
using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text.Json;
using Berth.Cli.Output;

namespace Berth.Cli.Lab;

/// <summary>One image of an archive: the id the engine gives it, its names, and where its parts are.</summary>
internal sealed record ArchivedImage(string Id, ImmutableArray<string> Tags, string Config, ImmutableArray<string> Layers);

/// <summary>An archive as <c>docker save</c> writes it.</summary>
internal static class ImageArchive
{
    /// <exception cref="UserError">The file is missing or not such an archive.</exception>
    public static async Task<ImmutableArray<ArchivedImage>> ReadAsync(string file, CancellationToken cancel)
    {
        if (!File.Exists(file))
            throw new UserError($"there is no image archive {file}", "make the sample images: samples/images/build.sh DIRECTORY");
        try
        {
            var manifest = await ReadPartAsync(file, "manifest.json", cancel);
            using var json = JsonDocument.Parse(manifest);
            var images = ImmutableArray.CreateBuilder<ArchivedImage>();
            foreach (var entry in json.RootElement.EnumerateArray())
            {
                var config = entry.GetProperty("Config").GetString()!;
                var id = "sha256:" + Convert.ToHexStringLower(SHA256.HashData(await ReadPartAsync(file, config, cancel)));
                images.Add(new(id, Texts(entry.GetProperty("RepoTags")), config, Texts(entry.GetProperty("Layers"))));
            }
            return images.ToImmutable();
        }
        catch (Exception error) when (error is InvalidDataException or JsonException or KeyNotFoundException or EndOfStreamException or InvalidOperationException)
        {
            throw new UserError($"{file} is not an image archive: {error.Message}", "make one with 'docker save' or samples/images/build.sh");
        }
    }

    /// <summary>The content of one file in the archive.</summary>
    public static async Task<byte[]> ReadPartAsync(string file, string part, CancellationToken cancel)
    {
        await using var reader = new TarReader(File.OpenRead(file));
        while (await reader.GetNextEntryAsync(copyData: false, cancel) is { } entry)
        {
            if (entry.Name != part || entry.DataStream is null)
                continue;
            using var content = new MemoryStream();
            await entry.DataStream.CopyToAsync(content, cancel);
            return content.ToArray();
        }
        throw new InvalidDataException($"it holds no {part}");
    }

    private static ImmutableArray<string> Texts(JsonElement list) =>
        list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray().Select(item => item.GetString()!)] : [];
}
