using System.Threading.Channels;
using Berth.Manager.Dispatch;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Api;

/// <summary>Reads one task's log from its node's agent.</summary>
/// <param name="relays">The way to agents.</param>
/// <param name="time">For the limits on waiting.</param>
internal sealed class LogPump(IRelayHub relays, TimeProvider time)
{
    /// <summary>How long an agent may take to open a log.</summary>
    public static readonly TimeSpan OpenLimit = TimeSpan.FromSeconds(6);

    /// <summary>How long an agent may be silent in the middle of a log that is not followed.</summary>
    public static readonly TimeSpan IdleLimit = TimeSpan.FromSeconds(10);

    /// <summary>How reading ended.</summary>
    /// <param name="IsWhole">Whether the agent said everything there was; false when the connection or patience broke.</param>
    /// <param name="LastLine">When the last line was written, by the node's clock; null when there was none.</param>
    public sealed record Ending(bool IsWhole, DateTimeOffset? LastLine);

    /// <summary>Reads until the log ends, telling trouble in a notice. Throws only when cancelled.</summary>
    /// <param name="source">Whose log.</param>
    /// <param name="request">Which part of it.</param>
    /// <param name="to">Where lines and notices go; not completed.</param>
    /// <param name="isQuiet">Leaves out the notice of a node that cannot be reached: it was told already.</param>
    /// <param name="cancellation">The reader went away.</param>
    public async Task<Ending> RunAsync(
        LogSource source, V1.RelayLogs request, ChannelWriter<V1.LogItem> to, bool isQuiet, CancellationToken cancellation)
    {
        DateTimeOffset? last = null;
        string trouble;
        using var patience = new CancellationTokenSource(OpenLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellation);
        try
        {
            await using var relay = await relays.OpenAsync(source.Node, new V1.OpenRelay { Logs = request }, either.Token);
            await using var messages = relay.ReadAsync(either.Token).GetAsyncEnumerator(either.Token);
            while (true)
            {
                patience.CancelAfter(request.Follow ? Timeout.InfiniteTimeSpan : IdleLimit);
                if (!await messages.MoveNextAsync())
                    return new Ending(true, last);

                // A slow reader is no fault of the agent's: its patience does not run while the line waits here.
                patience.CancelAfter(Timeout.InfiniteTimeSpan);
                if (Item(source, messages.Current) is not { } item)
                    continue;
                last = item.Line?.Time?.ToDateTimeOffset() ?? last;
                await to.WriteAsync(item, cancellation);
            }
        }
        catch (RelayUnavailableException unavailable)
        {
            trouble = last is null
                ? $"no logs of {source.Name}: {unavailable.Message}"
                : $"no more logs of {source.Name}: {unavailable.Message}";
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            trouble = $"{source.Hostname} stopped answering: logs of {source.Name} may lack lines";
        }
        catch (Exception broken) when (broken is RpcException or IOException && !cancellation.IsCancellationRequested)
        {
            trouble = $"the connection to {source.Hostname} broke: logs of {source.Name} may lack lines";
        }

        if (!isQuiet)
            await to.WriteAsync(new V1.LogItem { Notice = trouble }, cancellation);
        return new Ending(false, last);
    }

    // The agent knows ids; names are the manager's to give.
    private static V1.LogItem? Item(LogSource source, V1.RelayFromAgent message)
    {
        switch (message.MessageCase)
        {
            case V1.RelayFromAgent.MessageOneofCase.Line:
                message.Line.TaskId = source.Task.Id.ToString();
                message.Line.TaskName = source.Name;
                message.Line.NodeHostname = source.Hostname;
                message.Line.Time ??= new Timestamp();
                return new V1.LogItem { Line = message.Line };
            case V1.RelayFromAgent.MessageOneofCase.Error:
                return new V1.LogItem { Notice = $"no more logs of {source.Name} from {source.Hostname}: {message.Error}" };
            default:
                return null;
        }
    }
}
