namespace Berth.Consul;

/// <summary>Consul did not do what was asked; the message says what, why, and what to do, for people.</summary>
/// <param name="message">The message; it never holds the token.</param>
/// <param name="isUnknown">Whether it knows nothing of what was named.</param>
/// <param name="inner">What lies behind.</param>
public sealed class ConsulException(string message, bool isUnknown = false, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Whether Consul knows nothing of what was named: it lost it, or never had it.</summary>
    public bool IsUnknown { get; } = isUnknown;
}
