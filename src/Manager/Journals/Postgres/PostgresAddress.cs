using System.Net;
using Npgsql;

namespace Berth.Manager.Journals.Postgres;

/// <summary>Where a PostgreSQL database is and how it is spoken to; nothing that is written here would show a password to a network.</summary>
public sealed class PostgresAddress
{
    private readonly string _text;

    private PostgresAddress(NpgsqlConnectionStringBuilder builder)
    {
        _text = builder.ConnectionString;
        Place = $"{builder.Host}:{builder.Port}/{builder.Database}";
    }

    /// <summary>For people: hosts, port and database, without secrets.</summary>
    public string Place { get; }

    /// <summary>Reads a connection string such as <c>Host=db1,db2;Database=berth;Username=berth;Password=…;Root Certificate=/etc/berth/db-ca.crt</c>.</summary>
    /// <exception cref="InvalidDataException">It names no database, or would send its password to a server that has not proven who it is.</exception>
    public static PostgresAddress Parse(string text)
    {
        NpgsqlConnectionStringBuilder builder;
        try
        {
            builder = new NpgsqlConnectionStringBuilder(text);
        }
        catch (ArgumentException error)
        {
            // The message names the key that is wrong, never a value.
            throw new InvalidDataException($"the PostgreSQL connection string cannot be read: {error.Message.Split('\n')[0]}. Write for example Host=db1;Database=berth;Username=berth;Passfile=/etc/berth/pgpass");
        }
        if (string.IsNullOrEmpty(builder.Host) || string.IsNullOrEmpty(builder.Database) || string.IsNullOrEmpty(builder.Username))
            throw new InvalidDataException("the PostgreSQL connection string must name Host, Database and Username");
        var hosts = builder.Host.Split(',', StringSplitOptions.TrimEntries);
        Secure(builder, hosts);
        // Of several servers only one takes writes.
        if (hosts.Length > 1)
            builder.TargetSessionAttributes = "primary";
        builder.Enlist = false;
        builder.IncludeErrorDetail = false;
        builder.LogParameters = false;
        builder.PersistSecurityInfo = false;
        return new PostgresAddress(builder);
    }

    /// <summary>A connection string for one use.</summary>
    /// <param name="name">Shown in the server's list of sessions.</param>
    /// <param name="settings">Settings of the session, such as <c>berth.epoch=3</c>. A session begins with them, and a pool's reset
    /// returns to them: they cost no round trip.</param>
    /// <param name="change">Sets what else this use needs.</param>
    public string With(string name, IEnumerable<string> settings, Action<NpgsqlConnectionStringBuilder> change)
    {
        var builder = new NpgsqlConnectionStringBuilder(_text) { ApplicationName = name };
        builder.Options = string.Join(' ', settings.Select(setting => $"-c {setting}").Prepend(builder.Options).Where(part => !string.IsNullOrEmpty(part)));
        change(builder);
        return builder.ConnectionString;
    }

    private static void Secure(NpgsqlConnectionStringBuilder builder, string[] hosts)
    {
        if (hosts.All(IsLocal))
            return;
        if (!builder.ContainsKey("SSL Mode") || builder.SslMode == SslMode.Prefer)
            builder.SslMode = SslMode.VerifyFull;
        if (builder.SslMode == SslMode.VerifyFull)
            return;
        throw new InvalidDataException(
            $"the PostgreSQL connection string says SSL Mode={builder.SslMode} for {string.Join(", ", hosts.Where(host => !IsLocal(host)))}: whoever answers there "
            + "would get the password and the state without proving who it is. Use SSL Mode=VerifyFull, with Root Certificate=FILE for an authority of your own");
    }

    // A path is a Unix socket's directory.
    private static bool IsLocal(string host)
    {
        if (host.StartsWith('/') || host.StartsWith('@') || host == "localhost")
            return true;
        var at = host.StartsWith('[') ? host.Trim('[', ']') : host.Split(':').Length == 2 ? host.Split(':')[0] : host;
        return at == "localhost" || (IPAddress.TryParse(at, out var address) && IPAddress.IsLoopback(address));
    }
}
