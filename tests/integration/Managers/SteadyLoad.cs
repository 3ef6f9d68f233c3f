namespace Berth.Tests.Integration.Managers;

/// <summary>One write after the other, and reads beside them, for as long as a part of a test takes. Every write is a label of its
/// own, so that each that was acknowledged can be looked for afterwards.</summary>
public sealed class SteadyLoad : IAsyncDisposable
{
    private readonly ManagersLab _lab;
    private readonly string _name;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<string> _acknowledged = [];
    private readonly List<string> _failedReads = [];
    private readonly Task _writing;
    private readonly Task _reading;
    private int _asked;
    private int _reads;

    private SteadyLoad(ManagersLab lab, string name)
    {
        (_lab, _name) = (lab, name);
        _writing = WriteAsync();
        _reading = ReadAsync();
    }

    /// <summary>Begins.</summary>
    public static SteadyLoad Start(ManagersLab lab, string name) => new(lab, name);

    /// <summary>Ends. Every write that was acknowledged is there by the word of every manager; and every read was answered.</summary>
    /// <param name="managers">Hosts of managers to ask.</param>
    /// <returns>What happened, for people.</returns>
    public async Task<string> EndAsync(params int[] managers)
    {
        await StopAsync();
        Assert.NotEmpty(_acknowledged);
        Assert.True(_reads > 0, "nothing was read");
        Assert.True(_failedReads.Count == 0, $"{_failedReads.Count} of {_reads} reads were not answered: {_failedReads.FirstOrDefault()}");
        foreach (var host in managers)
            Assert.Empty(_acknowledged.Except(await _lab.LabelsAsync(host, "--consistent")));
        // They would be carried along by everything that follows.
        string[] removals = [.. Enumerable.Range(1, _asked).Select(Label).Intersect(await _lab.LabelsAsync(managers[0])).SelectMany(label => new[] { "--label-rm", label })];
        (await _lab.Lab.Berth(["node", "update", .. removals, _lab.WorkerName])).Succeeded();
        return $"{_name}: {_acknowledged.Count} of {_asked} writes acknowledged and there, {_reads} reads answered";
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    private async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_writing, _reading);
    }

    private string Label(int number) => $"{_name}-{number}";

    // One that failed may have happened; it is not asked for again.
    private async Task WriteAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            var label = Label(++_asked);
            if ((await _lab.Lab.Berth("node", "update", "--label-add", $"{label}=1", _lab.WorkerName)).ExitCode == 0)
                _acknowledged.Add(label);
            await Task.Delay(50);
        }
    }

    private async Task ReadAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            var read = await _lab.Lab.Berth("node", "ls", "-q");
            _reads++;
            if (read.ExitCode != 0)
                _failedReads.Add($"exit code {read.ExitCode}: {read.Error}");
            await Task.Delay(100);
        }
    }
}
