namespace Berth.Telemetry;

/// <summary>The newest lines of a process's log, for whoever asks what happened; any thread writes.</summary>
public sealed class RecentLogs
{
    private const int MostLines = 4_000;
    private const int MostCharacters = 512 << 10;
    private const int LongestLine = 4 << 10;

    private readonly Lock _gate = new();
    private readonly Queue<string> _lines = new();
    private int _characters;

    /// <summary>Adds a line.</summary>
    public void Add(string line)
    {
        if (line.Length > LongestLine)
            line = $"{line[..LongestLine]}…";
        lock (_gate)
        {
            _lines.Enqueue(line);
            _characters += line.Length;
            while (_lines.Count > MostLines || _characters > MostCharacters)
                _characters -= _lines.Dequeue().Length;
        }
    }

    /// <summary>All that are kept, the newest last, without what must not leave the host.</summary>
    public string Text()
    {
        string[] lines;
        // Whoever logs meanwhile must not wait for the redaction.
        lock (_gate)
            lines = [.. _lines];
        return string.Concat(lines.Select(line => Redaction.Of(line) + "\n"));
    }
}
