using System.Text;
using System.Text.Json;

namespace Berth.Identity;

/// <summary>A wish to join a cluster, as <c>berth cluster join</c> writes it to <c>join.json</c> and the agent reads it.</summary>
/// <param name="Token">The token.</param>
/// <param name="Managers">Managers to ask, in turn; at least one.</param>
/// <param name="Address">Address to register with; null for the one the agent finds.</param>
public sealed record JoinWish(JoinToken Token, IReadOnlyList<Uri> Managers, string? Address)
{
    /// <summary>Reads a wish.</summary>
    /// <exception cref="FormatException">It cannot be followed; the message repeats nothing of the token.</exception>
    public static JoinWish Read(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            var token = JoinToken.Parse(root.GetProperty("token").GetString() ?? "");
            var managers = root.GetProperty("managers").EnumerateArray().Select(url => Manager(url.GetString())).ToList();
            if (managers.Count == 0)
                throw new FormatException("join.json names no manager");
            var address = root.TryGetProperty("address", out var given) ? given.GetString() : null;
            if (!string.IsNullOrEmpty(address) && !System.Net.IPAddress.TryParse(address, out _))
                throw new FormatException($"join.json: '{address}' is not an IP address");
            return new JoinWish(token, managers, string.IsNullOrEmpty(address) ? null : address);
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            // Whatever the parser quotes may be a piece of the token.
            throw new FormatException("join.json is not {\"token\": …, \"managers\": [URL, …]}; write it with: berth cluster join");
        }
    }

    /// <summary>As it is written; it holds the token.</summary>
    public string Format()
    {
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("token", Token.Format());
            json.WriteStartArray("managers");
            foreach (var manager in Managers)
                json.WriteStringValue(manager.GetLeftPart(UriPartial.Authority));
            json.WriteEndArray();
            if (Address is not null)
                json.WriteString("address", Address);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(text.ToArray()) + "\n";
    }

    private static Uri Manager(string? text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme == "https" && uri.AbsolutePath == "/"
            ? uri
            : throw new FormatException($"join.json: '{text}' is not a manager's address; write https://ADDRESS:2400");
}
