using Berth.Manager.Journals.Postgres;
using Npgsql;

namespace Berth.Tests.Manager.Journals;

public sealed class PostgresAddressTests
{
    [Theory]
    [InlineData("Host=db1;Database=berth;Username=berth;Password=secret;SSL Mode=Disable", "Disable")]
    [InlineData("Host=db1;Database=berth;Username=berth;Password=secret;SSL Mode=Require", "Require")]
    [InlineData("Host=db1;Database=berth;Username=berth;Password=secret;SSL Mode=VerifyCA", "VerifyCA")]
    [InlineData("Host=localhost,10.0.0.7;Database=berth;Username=berth;Password=secret;SSL Mode=Allow", "10.0.0.7")]
    [InlineData("Host=127.0.0.1.example.org;Database=berth;Username=berth;Password=secret;SSL Mode=Disable", "example.org")]
    [InlineData("Host=db1;Username=berth;Password=secret", "Database")]
    [InlineData("Database=berth;Username=berth;Password=secret", "Host")]
    [InlineData("Host=db1;Database=berth;Password=secret;Colour=blue", "colour")]
    public void What_would_show_the_password_or_names_no_database_is_refused_without_showing_it(string text, string said)
    {
        var refused = Assert.Throws<InvalidDataException>(() => PostgresAddress.Parse(text));
        Assert.Contains(said, refused.Message, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("secret", refused.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Host=db1;Database=berth;Username=berth;Password=secret", SslMode.VerifyFull)]
    [InlineData("Host=db1,db2;Database=berth;Username=berth;Password=secret;SSL Mode=Prefer", SslMode.VerifyFull)]
    [InlineData("Host=127.0.0.1;Database=berth;Username=berth", SslMode.Prefer)]
    [InlineData("Host=[::1];Database=berth;Username=berth", SslMode.Prefer)]
    [InlineData("Host=localhost:5433,127.0.0.2;Database=berth;Username=berth;SSL Mode=Disable", SslMode.Disable)]
    [InlineData("Host=/var/run/postgresql;Database=berth;Username=berth", SslMode.Prefer)]
    public void A_network_is_trusted_only_with_a_certificate_that_names_the_server(string text, SslMode mode) =>
        Assert.Equal(mode, new NpgsqlConnectionStringBuilder(PostgresAddress.Parse(text).With("test", [], _ => { })).SslMode);

    [Fact]
    public void Settings_of_a_session_are_added_to_those_that_were_given()
    {
        var address = PostgresAddress.Parse("Host=/run;Database=berth;Username=berth;Password=secret;Options=-c work_mem=8MB");
        var text = new NpgsqlConnectionStringBuilder(address.With("name", ["berth.epoch=7", "a=b"], builder => builder.Timeout = 3));
        Assert.Equal(("-c work_mem=8MB -c berth.epoch=7 -c a=b", "name", 3), (text.Options, text.ApplicationName, text.Timeout));
        Assert.DoesNotContain("secret", address.Place, StringComparison.Ordinal);
    }
}
