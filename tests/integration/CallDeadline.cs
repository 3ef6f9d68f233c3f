namespace Berth.Tests.Integration;

/// <summary>When a call of a test gives up.</summary>
internal static class CallDeadline
{
    // gRPC takes a deadline as an instant of the wall clock; nothing is asserted about it.
    public static DateTime In(double seconds) => DateTime.UtcNow.AddSeconds(seconds);
}
