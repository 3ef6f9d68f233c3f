using System.Text.Json;
using Berth.Identity;

namespace Berth.Manager.Members;

/// <summary>Where other managers answer, kept beside <c>manager.json</c> for a start at which the state cannot be read yet; and the
/// mark of a recovery.</summary>
public sealed class KnownManagers(string dataDirectory)
{
    private readonly string _path = Path.Combine(dataDirectory, "managers.json");
    private readonly string _recovered = Path.Combine(dataDirectory, "recovered");

    /// <summary>Whether this manager was recovered without the others, who are still managers in the state.</summary>
    public bool IsRecovered => File.Exists(_recovered);

    /// <summary>Addresses of managers; empty when none were told.</summary>
    public IReadOnlyList<string> Load()
    {
        try
        {
            return File.Exists(_path) ? JsonSerializer.Deserialize<string[]>(File.ReadAllText(_path)) ?? [] : [];
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"'{_path}' is damaged: {error.Message}. Remove it: it is written anew", error);
        }
    }

    /// <summary>Keeps them, when they have changed.</summary>
    public void Save(IEnumerable<string> urls)
    {
        var now = urls.Order(StringComparer.Ordinal).ToArray();
        if (now.Length > 0 && !now.SequenceEqual(Load()))
            PrivateText.Write(_path, JsonSerializer.Serialize(now));
    }

    /// <summary>Marks that a recovery has happened.</summary>
    public void Recover() => PrivateText.Write(_recovered, "");

    /// <summary>The others are no managers any more.</summary>
    public void Recovered() => File.Delete(_recovered);
}
