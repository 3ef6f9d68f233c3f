using Berth.Cli.Client;
using Berth.Cli.Output;

namespace Berth.Cli.Commands.Waiting;

/// <summary>The loop around every wait: follows a stream, comes back to it when the manager goes away, and ends by result,
/// timeout or Ctrl-C.</summary>
internal sealed class Waiter(CommandContext context, ManagerClient client, WaitOptions options)
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    /// <summary>Follows until <paramref name="see"/> has a result.</summary>
    /// <param name="follow">Opens the stream.</param>
    /// <param name="see">Takes a message; a result ends the wait, null goes on.</param>
    /// <param name="howToFollow">Said when the wait ends early, such as <c>berth service ps web</c>.</param>
    /// <param name="cancel">Ctrl-C.</param>
    /// <returns>The result, and how the wait ended when there is none.</returns>
    public Task<(TResult? Result, int Code)> Run<TMessage, TResult>(
        Func<CancellationToken, IAsyncEnumerable<TMessage>> follow, Func<ProgressDisplay, TMessage, TResult?> see,
        string howToFollow, CancellationToken cancel)
        where TResult : class => Guarded(async token =>
        {
            var result = await ProgressDisplay.Run(context.Terminal, options.Quiet, display => Loop(follow, message => see(display, message), display, token));
            return (result, ExitCode.Done);
        }, howToFollow, cancel);

    private async Task<(TResult?, int)> Guarded<TResult>(Func<CancellationToken, Task<(TResult?, int)>> run, string howToFollow, CancellationToken cancel)
        where TResult : class
    {
        using var timeout = new CancellationTokenSource(options.Timeout == TimeSpan.Zero ? Timeout.InfiniteTimeSpan : options.Timeout, context.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, timeout.Token);
        try
        {
            return await run(either.Token);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            context.Terminal.Note("The wait ended; what was asked goes on in the cluster.");
            context.Terminal.Note($"  follow it with: {howToFollow}");
            return (null, ExitCode.NotReached);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            context.Terminal.Show(new UserError($"not reached within {DurationText.Of(options.Timeout)}; what was asked goes on in the cluster",
                $"{howToFollow}, or wait longer with --timeout", ExitCode.NotReached));
            return (null, ExitCode.NotReached);
        }
    }

    private async Task<TResult> Loop<TMessage, TResult>(
        Func<CancellationToken, IAsyncEnumerable<TMessage>> follow, Func<TMessage, TResult?> see, ProgressDisplay display, CancellationToken cancel)
        where TResult : class
    {
        var isAway = false;
        while (true)
        {
            try
            {
                await foreach (var message in follow(cancel).WithCancellation(cancel))
                {
                    if (isAway)
                        display.Note($"the manager at {client.Address.Url} is back");
                    isAway = false;
                    if (see(message) is { } result)
                        return result;
                }
                cancel.ThrowIfCancellationRequested();
            }
            catch (UserError error) when (error.Code == ExitCode.Unreachable)
            {
                if (!isAway)
                    display.Note($"the manager at {client.Address.Url} does not answer; still waiting for it, the cluster goes on without");
                isAway = true;
            }
            await Task.Delay(RetryDelay, context.Time, cancel);
        }
    }
}
