using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Berth.Cli.Output;

namespace Berth.Cli.Lab;

/// <summary>
/// Sends an archived image to the lab's registry without an engine: pushing through a host's engine would leave the image
/// there, and then that host would not have to pull it.
/// </summary>
internal static class ImagePush
{
    public const string Registry = "registry.lab:5000";
    private const string ManifestType = "application/vnd.docker.distribution.manifest.v2+json";
    private const string ConfigType = "application/vnd.docker.container.image.v1+json";
    private const string LayerType = "application/vnd.docker.image.rootfs.diff.tar.gzip";

    /// <summary>Splits <c>[registry.lab:5000/]berth/hello:1</c> into repository and tag (default latest).</summary>
    /// <exception cref="UserError">The reference names another registry or is malformed.</exception>
    public static (string Repository, string Tag) ParseReference(string reference)
    {
        var path = reference.StartsWith(Registry + "/", StringComparison.Ordinal) ? reference[(Registry.Length + 1)..] : reference;
        var colon = path.LastIndexOf(':');
        var (repository, tag) = colon < 0 ? (path, "latest") : (path[..colon], path[(colon + 1)..]);
        var isValid = repository.Length > 0 && tag.Length > 0 && !repository.Contains(':', StringComparison.Ordinal)
            && !tag.Contains('/', StringComparison.Ordinal) && repository.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '/' or '-' or '_' or '.');
        return isValid ? (repository, tag) : throw new UserError(
            $"'{reference}' is not a reference in the lab's registry", $"write it as {Registry}/NAME:TAG", ExitCode.WrongUsage);
    }

    /// <exception cref="UserError">The registry cannot be reached or refuses.</exception>
    public static async Task RunAsync(Uri registry, string file, ArchivedImage image, string repository, string tag, CancellationToken cancel)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = registry };
        try
        {
            var config = await ImageArchive.ReadPartAsync(file, image.Config, cancel);
            await BlobAsync(http, repository, config, cancel);
            var layers = new List<string>();
            foreach (var part in image.Layers)
            {
                var layer = Compress(await ImageArchive.ReadPartAsync(file, part, cancel));
                await BlobAsync(http, repository, layer, cancel);
                layers.Add(Descriptor(LayerType, layer));
            }
            var manifest = $$"""
                {"schemaVersion":2,"mediaType":"{{ManifestType}}","config":{{Descriptor(ConfigType, config)}},"layers":[{{string.Join(',', layers)}}]}
                """;
            using var body = new ByteArrayContent(Encoding.UTF8.GetBytes(manifest)) { Headers = { ContentType = new MediaTypeHeaderValue(ManifestType) } };
            using var answer = await http.PutAsync($"v2/{repository}/manifests/{tag}", body, cancel);
            await CheckAsync(answer, $"the manifest of {repository}:{tag}", cancel);
        }
        catch (HttpRequestException error)
        {
            throw new UserError($"the lab's registry at {registry} does not answer: {error.Message}", "start it: berth lab up --registry");
        }
    }

    private static async Task BlobAsync(HttpClient http, string repository, byte[] content, CancellationToken cancel)
    {
        var digest = Digest(content);
        using (var probe = new HttpRequestMessage(HttpMethod.Head, $"v2/{repository}/blobs/{digest}"))
        using (var found = await http.SendAsync(probe, cancel))
            if (found.StatusCode == HttpStatusCode.OK)
                return;
        using var begun = await http.PostAsync($"v2/{repository}/blobs/uploads/", null, cancel);
        await CheckAsync(begun, "an upload", cancel);
        var place = begun.Headers.Location!.ToString();
        using var body = new ByteArrayContent(content) { Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") } };
        using var put = await http.PutAsync($"{place}{(place.Contains('?', StringComparison.Ordinal) ? '&' : '?')}digest={digest}", body, cancel);
        await CheckAsync(put, digest, cancel);
    }

    private static async Task CheckAsync(HttpResponseMessage answer, string what, CancellationToken cancel)
    {
        if (!answer.IsSuccessStatusCode)
            throw new UserError($"the lab's registry refused {what}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(cancel)}",
                "look into the registry's log in the lab's directory: registry/registry.log");
    }

    private static string Descriptor(string type, byte[] content) => string.Create(CultureInfo.InvariantCulture,
        $$"""{"mediaType":"{{type}}","size":{{content.Length}},"digest":"{{Digest(content)}}"}""");

    private static string Digest(byte[] content) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(content));

    private static byte[] Compress(byte[] content)
    {
        using var target = new MemoryStream();
        using (var gzip = new GZipStream(target, CompressionLevel.Fastest))
            gzip.Write(content);
        return target.ToArray();
    }
}
