using Berth.Cli.Output;

namespace Berth.Cli.Commands.Clusters;

/// <summary>How PostgreSQL is reached, as flags say it: pure, but for the file.</summary>
internal static class Postgres
{
    // As Npgsql reads them: a password has more than one name, and the key of a certificate has one too.
    private static readonly string[] Passwords = ["password", "pwd", "psw", "ssl password", "sslpassword"];

    /// <summary>The connection; null where the store is another one.</summary>
    /// <exception cref="UserError">It is missing, given without need, or shows a password to everybody on the machine.</exception>
    public static string? Connection(string store, string? text, string? file)
    {
        if (store != "postgres")
            return text is null && file is null ? null : throw UserError.Usage($"--postgres has a meaning only for the store postgres, not for {store}", "leave it out, or name the store postgres");
        if (text is not null && file is not null)
            throw UserError.Usage("--postgres and --postgres-file both say how PostgreSQL is reached", "give one of them");
        if (text is not null && text.Split(';').Any(part => Passwords.Contains(part.Split('=')[0].Trim(), StringComparer.OrdinalIgnoreCase)))
        {
            throw UserError.Usage("--postgres holds a password, and every user of this machine can see command lines",
                "write the connection into a file that only its owner may read: --postgres-file FILE; or use a certificate or a password file (Passfile=)");
        }
        return text ?? (file is not null
            ? SecretInput.Document(file, "the connection to PostgreSQL", isSecret: true).Trim()
            : throw UserError.Usage("the store postgres needs to be told where PostgreSQL is", "give --postgres 'Host=db;Database=berth;Username=berth;SSL Mode=VerifyFull'"));
    }
}
