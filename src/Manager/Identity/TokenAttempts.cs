using System.Collections.Concurrent;

namespace Berth.Manager.Identity;

/// <summary>Counts wrong tokens by the address they come from. Nobody guesses 256 bits; this keeps a caller who tries from
/// filling the log and taking time from those who join.</summary>
internal sealed class TokenAttempts(TimeProvider time)
{
    /// <summary>Wrong tokens an address may send in <see cref="Window"/>.</summary>
    public const int MostWrong = 10;

    // Above it, all addresses together are counted as one: a memory that grows with whoever calls is an attack of its own.
    private const int MostAddresses = 10_000;

    /// <summary>How long wrong tokens are remembered.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, Attempts> _byAddress = new(StringComparer.Ordinal);

    /// <summary>Whether so many came from an address that another one is not even logged.</summary>
    public bool MustWait(string address) =>
        _byAddress.TryGetValue(Key(address), out var attempts) && attempts.Wrong >= MostWrong && time.GetElapsedTime(attempts.Since) < Window;

    /// <summary>An address sent a wrong token.</summary>
    public void Wrong(string address)
    {
        var now = time.GetTimestamp();
        if (_byAddress.Count >= MostAddresses)
        {
            foreach (var (old, attempts) in _byAddress)
            {
                if (time.GetElapsedTime(attempts.Since, now) >= Window)
                    _byAddress.TryRemove(KeyValuePair.Create(old, attempts));
            }
        }
        _byAddress.AddOrUpdate(
            Key(address), new Attempts(now, 1),
            (_, known) => time.GetElapsedTime(known.Since, now) >= Window ? new Attempts(now, 1) : known with { Wrong = known.Wrong + 1 });
    }

    private string Key(string address) => _byAddress.Count >= MostAddresses && !_byAddress.ContainsKey(address) ? "everybody" : address;

    private sealed record Attempts(long Since, int Wrong);
}
