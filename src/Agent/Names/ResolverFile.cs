using System.Collections.Immutable;
using System.Net;

namespace Berth.Agent.Names;

/// <summary>The host's own name servers, as its <c>/etc/resolv.conf</c> lists them.</summary>
public sealed class ResolverFile(string path, IPAddress own, TimeProvider time)
{
    private const string Line = "nameserver";
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private ImmutableArray<IPAddress> _servers = [];
    private long? _read;

    /// <summary>The servers, at most two seconds old; those read last while the file cannot be read.</summary>
    public ImmutableArray<IPAddress> Servers
    {
        get
        {
            lock (_lock)
            {
                var now = time.GetTimestamp();
                if (_read is { } read && time.GetElapsedTime(read, now) < Fresh)
                    return _servers;
                _read = now;
                try
                {
                    _servers = Parse(File.ReadAllText(path), own);
                }
                catch (Exception error) when (error is IOException or UnauthorizedAccessException)
                {
                    // It is being replaced: what was known goes on being used.
                }
                return _servers;
            }
        }
    }

    /// <summary>The servers of a file. The agent's own address is none: it would ask itself.</summary>
    public static ImmutableArray<IPAddress> Parse(string text, IPAddress own) =>
    [
        .. from line in text.Split('\n')
           let words = line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
           where words.Length >= 2 && words[0] == Line
           let address = IPAddress.TryParse(words[1], out var parsed) ? parsed : null
           where address is not null && !address.Equals(own)
           select address,
    ];
}
