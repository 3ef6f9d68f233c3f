using Berth.Agent.Membership;
using Berth.Agent.Tasks;
using Berth.Identity;
using Berth.Model;
using Berth.Model.Networks;
using Berth.Protocol;
using Google.Protobuf;
using V1 = Berth.Protocol.V1;

namespace Berth.Agent.Session;

/// <summary>The agent's memory on disk: who it is, the highest epoch, the last assignments and their statuses.</summary>
/// <remarks>Written whole to a temporary file, synced and renamed, so that a crash leaves the old file or the new one; the
/// directory is synced too, or a power loss could bring back what was replaced. Specs hold environment values: the directory
/// is 0700, the file 0600.</remarks>
public sealed class AgentStateFile : ITaskMemory, IMembershipMemory, IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private readonly string _directory;
    private readonly FileStream _lock;
    private readonly V1.AgentState _state;
    private readonly SemaphoreSlim _writing = new(1, 1);

    private AgentStateFile(string directory, FileStream held, V1.AgentState state)
    {
        _directory = directory;
        _lock = held;
        _state = state;
    }

    /// <summary>This node's id.</summary>
    public NodeId Node => NodeId.Parse(_state.NodeId);

    /// <summary>The cluster; null before the first registration.</summary>
    public ClusterId? Cluster => ClusterId.TryParse(_state.ClusterId, out var cluster) ? cluster : null;

    /// <summary>The highest epoch obeyed.</summary>
    public long Epoch => _state.Epoch;

    /// <summary>Every manager that a manager told of last.</summary>
    public IReadOnlyList<ManagerEndpoint> Told { get; private set; } = [];

    /// <summary>Over which time agents spread when a manager is lost.</summary>
    public TimeSpan RejoinWindow => SpecMapper.FromNanoseconds(_state.RejoinWindowNs);

    /// <inheritdoc/>
    public IReadOnlyList<Uri> Managers =>
        [.. DialPlan.Of(Node, Told, [], default).Order.Select(manager => manager.Url).Where(url => url.Scheme == "https")];

    private string FilePath => Path.Combine(_directory, "agent.state");

    /// <summary>Opens the data directory, making it and this node's id at the first start. One agent at a time.</summary>
    /// <param name="directory">Where.</param>
    /// <param name="ids">For a new id.</param>
    /// <param name="certified">The id in this host's certificate: who lost his memory still is who he was; null without one.</param>
    /// <exception cref="IOException">It cannot be used; the message says why and what to do.</exception>
    public static AgentStateFile Open(string directory, IdSource ids, NodeId? certified = null)
    {
        Directory.CreateDirectory(directory, OwnerOnly | UnixFileMode.UserExecute);
        FileStream held;
        try
        {
            held = new FileStream(Path.Combine(directory, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException taken)
        {
            throw new IOException($"another agent uses the data directory '{directory}': stop it, or give this one another --data", taken);
        }
        // What a crash left of a write holds environment values too.
        foreach (var draft in Directory.EnumerateFiles(directory, "agent.state*.new"))
            File.Delete(draft);
        var path = Path.Combine(directory, "agent.state");
        var file = new AgentStateFile(directory, held, File.Exists(path) ? Parse(path) : new V1.AgentState());
        if (file._state.NodeId.Length == 0)
        {
            file._state.NodeId = (certified ?? new NodeId(ids.Next())).ToString();
            PrivateText.Write(path, file._state.ToByteArray());
        }
        if (certified is { } other && other != file.Node)
        {
            file.Dispose();
            throw new IOException(
                $"'{path}' is of node {file._state.NodeId} and the certificate beside it of node {other}: they are not of the same host; remove the wrong one");
        }
        file.ReadManagers();
        return file;
    }

    /// <summary>The tasks held when it was last saved.</summary>
    public IReadOnlyList<HeldTask> Tasks() => TaskWire.Read(_state);

    /// <summary>What was told of networks when it was last saved.</summary>
    public NodeNetworks Networks()
    {
        try
        {
            return _state.Networks is { } told ? NodeNetworks.Empty.Apply(told) : NodeNetworks.Empty;
        }
        catch (FormatException broken)
        {
            throw new IOException($"'{FilePath}' says of networks what is not so: {broken.Message}; move it away to start as a new node", broken);
        }
    }

    /// <summary>Remembers what was told of networks.</summary>
    public Task RememberAsync(NodeNetworks networks, CancellationToken cancellation) => ChangeAsync(() =>
    {
        _state.Networks = networks.ToWire(sequence: 0);
        return true;
    }, cancellation);

    /// <summary>Remembers which cluster this is and the highest epoch seen.</summary>
    public Task RememberAsync(ClusterId cluster, long epoch, CancellationToken cancellation) => ChangeAsync(() =>
    {
        if (Cluster == cluster && epoch <= _state.Epoch)
            return false;
        _state.ClusterId = cluster.ToString();
        _state.Epoch = Math.Max(_state.Epoch, epoch);
        return true;
    }, cancellation);

    private async Task ChangeAsync(Func<bool> change, CancellationToken cancellation)
    {
        await _writing.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (change())
                await Task.Run(() => PrivateText.Write(FilePath, _state.ToByteArray()), cancellation).ConfigureAwait(false);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Remembers the managers there are, for the next start.</summary>
    public Task RememberAsync(IEnumerable<V1.ManagerEndpoint> managers, long rejoinWindowNs, CancellationToken cancellation)
    {
        var told = managers.Where(manager => Uri.TryCreate(manager.Url, UriKind.Absolute, out _)).ToList();
        return ChangeAsync(() =>
        {
            if (told.Count == 0 || (told.SequenceEqual(_state.Managers) && rejoinWindowNs == _state.RejoinWindowNs))
                return false;
            _state.Managers.Clear();
            _state.Managers.AddRange(told);
            _state.RejoinWindowNs = rejoinWindowNs;
            ReadManagers();
            return true;
        }, cancellation);
    }

    /// <inheritdoc/>
    public Task RememberAsync(ClusterId cluster, IReadOnlyList<(string Node, Uri Url)> managers, CancellationToken cancellation) => ChangeAsync(() =>
    {
        _state.ClusterId = cluster.ToString();
        if (managers.Count > 0)
        {
            _state.Managers.Clear();
            _state.Managers.AddRange(managers.Select(manager => new V1.ManagerEndpoint { NodeId = manager.Node, Url = manager.Url.OriginalString }));
            ReadManagers();
        }
        return true;
    }, cancellation);

    /// <summary>The node has left: its next start is as a new one.</summary>
    public void Delete()
    {
        File.Delete(FilePath);
        PrivateText.SyncDirectory(_directory);
    }

    /// <inheritdoc/>
    public async Task SaveAsync(IReadOnlyCollection<HeldTask> tasks, CancellationToken cancellation)
    {
        await _writing.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            TaskWire.Write(_state, tasks);
            await Task.Run(() => PrivateText.Write(FilePath, _state.ToByteArray()), CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _lock.Dispose();
        _writing.Dispose();
    }

    private void ReadManagers() =>
        Told = [.. _state.Managers.Select(manager => new ManagerEndpoint(manager.NodeId, new Uri(manager.Url)))];

    private static V1.AgentState Parse(string path)
    {
        try
        {
            return V1.AgentState.Parser.ParseFrom(File.ReadAllBytes(path));
        }
        catch (InvalidProtocolBufferException broken)
        {
            throw new IOException(
                $"'{path}' is not an agent's state: {broken.Message}; move it away to start as a new node (its containers then stay until removed by hand)", broken);
        }
    }
}
