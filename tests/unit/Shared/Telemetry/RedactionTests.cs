using Berth.Telemetry;

namespace Berth.Tests.Shared.Telemetry;

public sealed class RedactionTests
{
    [Theory]
    [InlineData("joins with BERTH-1-abc234-mfrggzdfmztwq2lk now", "joins with BERTH-1-abc234-[redacted] now")]
    [InlineData("unlock BERTHKEY-1-mfrggzdfmztwq2lk", "unlock BERTHKEY-1-[redacted]")]
    [InlineData("-----BEGIN EC PRIVATE KEY-----\nabc\n-----END EC PRIVATE KEY----- after", "[redacted] after")]
    [InlineData("Host=db;Username=berth;Password=hunter2;Port=1", "Host=db;Username=berth;Password=[redacted];Port=1")]
    [InlineData("{\"api_key\": \"hunter2\", \"name\": \"x\"}", "{\"api_key\": \"[redacted]\", \"name\": \"x\"}")]
    [InlineData("--db-password=hunter2 --verbose", "--db-password=[redacted] --verbose")]
    [InlineData("pull from https://ann:hunter2@registry/x", "pull from https://[redacted]@registry/x")]
    public void What_is_secret_is_taken_out(string text, string rest) => Assert.Equal(rest, Redaction.Of(text));

    [Theory]
    [InlineData("task ab12 of web: running: started")]
    [InlineData("berth-manager ready: cluster 1, epoch 2, index 3, listening on unix:///run/berth/manager.sock")]
    [InlineData("the passenger has boarded")]
    public void Everything_else_stays(string text) => Assert.Equal(text, Redaction.Of(text));

    [Theory]
    [InlineData("PGPASSWORD=x=y", "PGPASSWORD=[redacted]")]
    [InlineData("EMPTY=", "EMPTY=[redacted]")]
    [InlineData("FROM_HOST", "FROM_HOST")]
    public void A_variable_keeps_its_name(string entry, string rest) => Assert.Equal(rest, Redaction.OfVariable(entry));

    [Fact]
    public void Recent_lines_are_the_newest_and_bounded()
    {
        var logs = new RecentLogs();
        for (var at = 0; at < 5_000; at++)
            logs.Add($"line {at}");
        logs.Add("token=hunter2");

        var lines = logs.Text().Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(4_000, lines.Length);
        Assert.Equal("token=[redacted]", lines[^1]);
        Assert.Equal("line 4999", lines[^2]);
    }

    [Fact]
    public void Long_lines_push_out_earlier_ones_instead_of_growing()
    {
        var logs = new RecentLogs();
        for (var at = 0; at < 1_000; at++)
            logs.Add(new string('x', 100_000));

        Assert.InRange(logs.Text().Length, 400_000, 600_000);
    }
}
