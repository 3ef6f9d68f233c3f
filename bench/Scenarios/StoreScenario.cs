using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Berth.Bench.Measure;
using Berth.Bench.Simulation;
using Berth.Bench.Subjects;
using Berth.Manager.Keys;

namespace Berth.Bench.Scenarios;

/// <summary>Appends to each store as its log grows, what the fence costs, writing to it directly, and reading the log again.</summary>
public static class StoreScenario
{
    private const int Assignments = 1000;

    // About what a sealed commit of one change takes.
    private const int RowBytes = 120;

    private static readonly int[] LogSizes = [10_000, 100_000, 1_000_000];

    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1.5);
    private static readonly int[] Batches = [1, 10, 100, 1000];

    /// <summary>Runs it; a log of BERTH_BENCH_COMMITS commits (default 100,000), in BERTH_BENCH_STORES (default all, separated by commas).</summary>
    public static async Task RunAsync(Report report, int rounds)
    {
        var commits = long.Parse(Environment.GetEnvironmentVariable("BERTH_BENCH_COMMITS") ?? "100000", CultureInfo.InvariantCulture);
        var wanted = Environment.GetEnvironmentVariable("BERTH_BENCH_STORES")?.Split(',');
        foreach (var start in (Func<Task<IStoreSubject?>>[])[() => Task.FromResult<IStoreSubject?>(new SqliteSubject()), async () => await PostgresSubject.StartAsync(), () => Task.FromResult<IStoreSubject?>(EtcdSubject.Start())])
        {
            if (await start() is not { } subject)
            {
                Report.Note("a store is left out: PostgreSQL or etcd is not installed");
                continue;
            }
            await using (subject)
                if (wanted is null || wanted.Contains(subject.Name))
                    await RunAsync(report, subject, Math.Max(1, rounds / 3), commits);
        }
    }

    private static async Task RunAsync(Report report, IStoreSubject subject, int rounds, long commits)
    {
        var keys = new RowKeys(KeyRing.Create(DateTimeOffset.UnixEpoch), "bench");
        var (writer, _) = await StoreWriter.OpenAsync(subject.Open, keys);
        await using (writer)
        {
            await ForAsync(TimeSpan.FromSeconds(1), () => writer.AppendAsync(10, 1));
            await MeasureAsync(report, subject, rounds, batch => () => writer.AppendAsync(batch, 1), "");
            await CoarseAsync(report, subject, writer);
            if (await subject.UnfenceAsync())
                await MeasureAsync(report, subject, rounds, batch => () => writer.AppendAsync(batch, 1), " without the fence", 1, 1000);
        }
        await DirectAsync(report, subject, rounds);
        await GrowAsync(report, subject, keys, commits);
    }

    private static async Task DirectAsync(Report report, IStoreSubject subject, int rounds)
    {
        var next = 1L;
        var rows = Enumerable.Range(0, 1000).Select(_ => RandomNumberGenerator.GetBytes(RowBytes)).ToArray();
        await MeasureAsync(report, subject, rounds, batch => async () =>
        {
            await subject.WriteDirectlyAsync(next, rows[..batch]);
            next += batch;
        }, " written directly");
    }

    // On a store of its own: one that has written without its fence is no store any more.
    private static async Task GrowAsync(Report report, IStoreSubject used, RowKeys keys, long commits)
    {
        await using var subject = used switch
        {
            SqliteSubject => new SqliteSubject(),
            PostgresSubject => (await PostgresSubject.StartAsync())!,
            _ => (IStoreSubject)EtcdSubject.Start()!,
        };
        var (writer, _) = await StoreWriter.OpenAsync(subject.Open, keys);
        await using (writer)
        {
            var (written, clock) = (0L, Stopwatch.StartNew());
            foreach (var size in LogSizes.Where(size => size <= commits))
            {
                for (; written < size; written += 1000)
                    await writer.AppendAsync(1000, 1);
                // A number of appends and not a time, so that every store reads the same log again.
                foreach (var (batch, times) in ((int, int)[])[(1, 300), (100, 50)])
                {
                    var samples = new List<double>();
                    for (var append = 0; append < times; append++)
                        samples.Add(await TimeAsync(() => writer.AppendAsync(batch, 1)));
                    report.Add(Row.Of("store", subject.Name, string.Create(CultureInfo.InvariantCulture, $"{batch} a batch at {size:N0} commits"), "ms", samples));
                }
            }
            Report.Note($"{subject.Name}: a log of {written:N0} commits in {clock.Elapsed.TotalSeconds:0.0} s");
        }
        await RecoverAsync(report, subject, keys, "without snapshot", snapshot: true);
        await RecoverAsync(report, subject, keys, "with a snapshot at the end", snapshot: false);
    }

    private static async Task RecoverAsync(Report report, IStoreSubject subject, RowKeys keys, string how, bool snapshot)
    {
        var clock = Stopwatch.StartNew();
        var (writer, read) = await StoreWriter.OpenAsync(subject.Open, keys);
        var seconds = clock.Elapsed.TotalSeconds;
        await using (writer)
        {
            report.Add(Row.Of("store", subject.Name, $"recovery of {read:N0} rows, {how}", "s", [seconds]));
            if (snapshot)
                await writer.SnapshotAsync();
        }
    }

    private static async Task CoarseAsync(Report report, IStoreSubject subject, StoreWriter writer)
    {
        var times = await ForAsync(Window, () => writer.AppendAsync(1, Assignments));
        report.Add(Row.Of("store", subject.Name, $"a commit of {Assignments:N0} assignments", "ms", times));
        report.Add(Row.Of("store", subject.Name, "assignments a second", "1/s", [Assignments * 1000.0 / times.Average()]));
    }

    private static async Task MeasureAsync(
        Report report, IStoreSubject subject, int rounds, Func<int, Func<Task>> append, string label, params int[] batches)
    {
        foreach (var batch in batches.Length > 0 ? batches : Batches)
        {
            var times = new List<double>();
            for (var round = 0; round < rounds; round++)
                times.AddRange(await ForAsync(Window, append(batch)));
            report.Add(Row.Of("store", subject.Name, $"{batch} a batch{label}", "ms", times));
            report.Add(Row.Of("store", subject.Name, $"{batch} a batch{label}: commits", "1/s", [batch * 1000.0 / times.Average()]));
        }
    }

    private static async Task<List<double>> ForAsync(TimeSpan window, Func<Task> work)
    {
        var (whole, times) = (Stopwatch.StartNew(), new List<double>());
        while (whole.Elapsed < window)
            times.Add(await TimeAsync(work));
        return times;
    }

    private static async Task<double> TimeAsync(Func<Task> work)
    {
        var clock = Stopwatch.StartNew();
        await work();
        return clock.Elapsed.TotalMilliseconds;
    }
}
