using Berth.Manager.Access;
using CsCheck;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Tests.Manager.Access;

public sealed class AuditLogTests : IDisposable
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("berth-audit-");

    private string LogPath => Path.Combine(_home.FullName, "audit.log");

    [Fact]
    public void Lines_are_read_as_they_were_written_the_newest_last_also_after_a_restart() => Gen.String[0, 60].Array[1, 20].Sample(subjects =>
    {
        File.Delete(LogPath);
        using (var file = new AuditFile(_home.FullName))
            file.Append([.. subjects.Select(Line)]);
        using var again = new AuditFile(_home.FullName);
        again.Append([Line("last")]);

        Assert.Equal(subjects.Append("last").Select(Line), again.Newest(100));
        Assert.Equal(["last"], again.Newest(1).Select(record => record.Subject));
    }, threads: 1);

    [Fact]
    public void The_log_is_its_owners_only_and_keeps_to_its_size_with_the_oldest_lines_gone()
    {
        using var file = new AuditFile(_home.FullName, largestBytes: 2_000, keptFiles: 3);
        for (var number = 0; number < 200; number++)
            file.Append([Line($"{number}")]);

        var kept = file.Newest(1_000).Select(record => int.Parse(record.Subject, System.Globalization.CultureInfo.InvariantCulture)).ToList();
        Assert.Equal(Enumerable.Range(200 - kept.Count, kept.Count), kept);
        Assert.InRange(kept.Count, 10, 60);
        Assert.InRange(_home.GetFiles().Sum(each => each.Length), 1, 3 * 2_500);
        Assert.All(_home.GetFiles(), each => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, each.UnixFileMode));
    }

    [Fact]
    public void A_line_that_a_crash_cut_harms_no_other()
    {
        using (var file = new AuditFile(_home.FullName))
            file.Append([Line("first"), Line("second")]);
        using (var cut = File.Open(LogPath, FileMode.Open))
            cut.SetLength(cut.Length - 10);
        using var again = new AuditFile(_home.FullName);
        again.Append([Line("third")]);

        Assert.Equal(["first", "third"], again.Newest(10).Select(record => record.Subject));
    }

    [Fact]
    public void No_line_breaks_out_of_its_line_or_grows_without_end()
    {
        using var file = new AuditFile(_home.FullName);
        file.Append([Line("a\nb\u0000\"}\n{\"at\":1}"), Line(new string('x', 100_000)).Shortened()]);

        var lines = File.ReadAllLines(LogPath);
        Assert.Equal(2, lines.Length);
        Assert.InRange(lines[1].Length, 500, 1_000);
        Assert.Equal("a\nb\u0000\"}\n{\"at\":1}", file.Newest(2)[0].Subject);
    }

    [Fact]
    public async Task A_caller_waits_until_his_line_is_on_disk_and_many_are_written_in_order()
    {
        await using var log = await StartAsync();
        var writing = Enumerable.Range(0, 500).Select(number => log.WriteAsync(Line($"{number}"))).ToList();
        await writing[100];
        Assert.InRange(File.ReadAllLines(LogPath).Length, 101, 500);
        await Task.WhenAll(writing);

        Assert.Equal(Enumerable.Range(0, 500).Select(number => $"{number}"), log.Newest(0).Select(record => record.Subject));
    }

    [Fact]
    public async Task A_line_that_cannot_be_written_is_an_error_for_its_caller()
    {
        await using var log = await StartAsync();
        Directory.CreateDirectory(LogPath);

        Assert.Contains("audit.log", (await Assert.ThrowsAsync<IOException>(() => log.WriteAsync(Line("lost")))).Message);
        Directory.Delete(LogPath);
        await log.WriteAsync(Line("kept"));
        Assert.Equal(["kept"], log.Newest(0).Select(record => record.Subject));
    }

    [Fact]
    public async Task Who_follows_reads_new_lines()
    {
        await using var log = await StartAsync();
        await log.WriteAsync(Line("before"));
        using var following = log.Follow();
        await log.WriteAsync(Line("after"));

        Assert.Equal("after", (await following.Lines.ReadAsync()).Subject);
    }

    [Fact]
    public async Task Who_is_refused_again_and_again_does_not_push_others_out()
    {
        await using var log = await StartAsync();
        for (var number = 0; number < 1_000; number++)
            await log.RefusedAsync(Line($"{number}") with { Outcome = "refused: no" });
        await log.WriteAsync(Line("a change"));

        Assert.InRange(log.Newest(0).Count, RefusalBudget.Most + 1, (3 * RefusalBudget.Most) + 4);
    }

    [Fact]
    public void No_refusal_is_forgotten_each_is_written_or_counted() => Gen.Int[0, 400].Array[0, 40].Sample(steps =>
    {
        var (budget, written, told, elapsed) = (default(RefusalBudget), 0, 0, TimeSpan.Zero);
        foreach (var burst in steps)
        {
            elapsed += TimeSpan.FromSeconds(burst % 7);
            for (var number = 0; number < burst; number++)
            {
                (budget, var isWritten, var owed) = budget.Take(elapsed);
                written += isWritten ? 1 : 0;
                told += owed;
                Assert.InRange(budget.Written, 0, RefusalBudget.Most);
            }
        }
        (_, var last) = budget.Settle(elapsed + RefusalBudget.WindowLength);
        Assert.Equal(steps.Sum(), written + told + last);
    });

    public void Dispose() => _home.Delete(recursive: true);

    private async Task<AuditLog> StartAsync()
    {
        var log = new AuditLog(new AuditFile(_home.FullName), TimeProvider.System, NullLogger<AuditLog>.Instance);
        await log.StartAsync(CancellationToken.None);
        return log;
    }

    private static AuditRecord Line(string subject) => new(Noon, "admin 'ann'", "Control/DeployStack", subject, "done", "10.0.0.5:1", "berth1");
}
