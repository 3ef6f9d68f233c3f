namespace Berth.Manager.Store;

/// <summary>A write was refused because another manager leads, or has written since: nothing of it is in the store.</summary>
/// <remarks>Thrown by journal and snapshot plugins in place of the store's own error, so that the process can say that it lost
/// the lead, which its supervisor answers with a standby, instead of calling the store broken.</remarks>
public sealed class FencedException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Whether <paramref name="error"/>, or what caused it, is a fence.</summary>
    public static bool IsIn(Exception? error) => error switch
    {
        null => false,
        FencedException => true,
        AggregateException many => many.InnerExceptions.Any(IsIn),
        _ => IsIn(error.InnerException),
    };
}
