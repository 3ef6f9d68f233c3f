namespace Berth.Manager.Store;

/// <summary>Nobody leads just now, or nobody who can be reached: what was asked of the store was not done. The store's answer in
/// that case: asking throws it.</summary>
public sealed class NoLeaderException(string message) : Exception(message);
