using System.Text;
using System.Text.Json;

namespace Berth.Runc;

/// <summary>The one change made to a bundle's config.json: which network namespace the container joins. Everything else stays as its author wrote it.</summary>
internal static class BundleConfig
{
    /// <summary>The configuration with another network namespace.</summary>
    /// <param name="config">Content of config.json.</param>
    /// <param name="path">Path of the namespace.</param>
    /// <exception cref="InvalidDataException">It asks for a network namespace of its own, or is no configuration.</exception>
    public static byte[] JoinNetwork(ReadOnlySpan<byte> config, string path)
    {
        var found = Find(config);
        var value = Encoding.UTF8.GetBytes($"\"{path}\"");
        if (found.Path is { } range)
            return [.. config[..range.Start.Value], .. value, .. config[range.End.Value..]];
        if (found.HasNetwork)
            throw new InvalidDataException("it asks for a network namespace of its own; containers of this runtime are created with the host's network");
        if (found.Namespaces is not { } namespaces)
            throw new InvalidDataException("it has no list of namespaces");
        var entry = Encoding.UTF8.GetBytes($"{{\"type\":\"network\",\"path\":\"{path}\"}}{(found.IsEmpty ? "" : ",")}");
        return [.. config[..namespaces], .. entry, .. config[namespaces..]];
    }

    private static Found Find(ReadOnlySpan<byte> config)
    {
        var reader = new Utf8JsonReader(config);
        var found = new Found();
        try
        {
            if (!Enter(ref reader, "linux"u8, JsonTokenType.StartObject) || !Enter(ref reader, "namespaces"u8, JsonTokenType.StartArray))
                return found;
            found.Namespaces = (int)reader.BytesConsumed;
            found.IsEmpty = true;
            while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
            {
                found.IsEmpty = false;
                ReadNamespace(ref reader, ref found);
            }
            return found;
        }
        catch (JsonException broken)
        {
            throw new InvalidDataException("it is not JSON", broken);
        }
    }

    // From the start of a document, or just inside of an object: moves into the value of one of its properties.
    private static bool Enter(ref Utf8JsonReader reader, ReadOnlySpan<byte> name, JsonTokenType kind)
    {
        if (reader.TokenType == JsonTokenType.None && !reader.Read())
            return false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isWanted = reader.ValueTextEquals(name);
            reader.Read();
            if (isWanted)
                return reader.TokenType == kind;
            reader.Skip();
        }
        return false;
    }

    private static void ReadNamespace(ref Utf8JsonReader reader, ref Found found)
    {
        var isNetwork = false;
        Range? path = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isType = reader.ValueTextEquals("type"u8);
            var isPath = reader.ValueTextEquals("path"u8);
            reader.Read();
            if (isType && reader.ValueTextEquals("network"u8))
                isNetwork = true;
            if (isPath && reader.TokenType == JsonTokenType.String)
                path = (int)reader.TokenStartIndex..(int)reader.BytesConsumed;
            reader.Skip();
        }
        found.HasNetwork |= isNetwork;
        if (isNetwork)
            found.Path = path;
    }

    private struct Found
    {
        /// <summary>Just behind the bracket that opens the list.</summary>
        public int? Namespaces;
        public bool IsEmpty;
        public bool HasNetwork;
        /// <summary>The network namespace's path, with its quotes.</summary>
        public Range? Path;
    }
}
