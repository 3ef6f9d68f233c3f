using Berth.Manager.Store;
using LinqToDB.Interceptors;
using Npgsql;

namespace Berth.Manager.Journals;

/// <summary>Turns what a database's fence raises into <see cref="FencedException"/>.</summary>
internal sealed class FenceErrors : ExceptionInterceptor
{
    /// <summary>Every message of a fence begins so; the rest is for people.</summary>
    public const string Mark = "berth fence: ";

    /// <inheritdoc/>
    public override void ProcessException(ExceptionEventData eventData, Exception exception)
    {
        if (Find(exception) is { } fenced)
            throw fenced;
    }

    /// <summary>The fence's refusal in a database's error; null when it is another error.</summary>
    public static FencedException? Find(Exception error)
    {
        // The key is the fence's second line: it is looked at before the head is.
        if (error is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation, TableName: "journal" })
            return new FencedException("a row of this number is there already", error);
        var at = error.Message.IndexOf(Mark, StringComparison.Ordinal);
        return at < 0 ? null : new FencedException(error.Message[(at + Mark.Length)..].TrimEnd('\'', '.'), error);
    }
}
