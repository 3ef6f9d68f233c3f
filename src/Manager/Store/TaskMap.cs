using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Berth.Model;

namespace Berth.Manager.Store;

/// <summary>Tasks by id: an immutable value whose changed copies share what did not change.</summary>
public sealed class TaskMap : IReadOnlyDictionary<TaskId, ServiceTask>
{
    private readonly IdTrie<Entry> _trie;

    private TaskMap(IdTrie<Entry> trie) => _trie = trie;

    /// <summary>No tasks.</summary>
    public static TaskMap Empty { get; } = new(IdTrie<Entry>.Empty);

    /// <inheritdoc/>
    public int Count => _trie.Count;

    /// <inheritdoc/>
    public IEnumerable<TaskId> Keys => _trie.Select(item => item.Task.Id);

    /// <inheritdoc/>
    public IEnumerable<ServiceTask> Values => _trie.Select(item => item.Task);

    /// <inheritdoc/>
    public ServiceTask this[TaskId key] =>
        TryGetValue(key, out var task) ? task : throw new KeyNotFoundException($"There is no task {key}.");

    /// <inheritdoc/>
    public bool ContainsKey(TaskId key) => _trie.TryGet(key.Value, out _);

    /// <inheritdoc/>
    public bool TryGetValue(TaskId key, [MaybeNullWhen(false)] out ServiceTask value)
    {
        var found = _trie.TryGet(key.Value, out var item);
        value = found ? item.Task : null;
        return found;
    }

    /// <summary>The task of that id; null when there is none.</summary>
    public ServiceTask? GetValueOrDefault(TaskId key) => _trie.TryGet(key.Value, out var item) ? item.Task : null;

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<TaskId, ServiceTask>> GetEnumerator() =>
        _trie.Select(item => KeyValuePair.Create(item.Task.Id, item.Task)).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal Builder ToBuilder() => new(this);

    /// <summary>Changes tasks.</summary>
    internal sealed class Builder(TaskMap map)
    {
        private readonly IdTrie<Entry>.Builder _items = map._trie.ToBuilder();

        public bool TryGetValue(TaskId id, [MaybeNullWhen(false)] out ServiceTask task)
        {
            var found = _items.TryGet(id.Value, out var item);
            task = found ? item.Task : null;
            return found;
        }

        public ServiceTask this[TaskId id] => TryGetValue(id, out var task) ? task : throw new KeyNotFoundException($"There is no task {id}.");

        public void Put(ServiceTask task) => _items.Put(new Entry(task));

        public void Remove(TaskId id) => _items.Remove(id.Value);

        public TaskMap ToImmutable()
        {
            var made = _items.ToImmutable();
            return ReferenceEquals(made, map._trie) ? map : new TaskMap(made);
        }
    }

    private readonly record struct Entry(ServiceTask Task) : IIdentified
    {
        public UInt128 Id => Task.Id.Value;
    }
}

/// <summary>Ids of tasks: an immutable set whose changed copies share what did not change.</summary>
[CollectionBuilder(typeof(TaskSet), nameof(Create))]
public sealed class TaskSet : IReadOnlyCollection<TaskId>
{
    private readonly IdTrie<Entry> _trie;

    private TaskSet(IdTrie<Entry> trie) => _trie = trie;

    /// <summary>No ids.</summary>
    public static TaskSet Empty { get; } = new(IdTrie<Entry>.Empty);

    /// <inheritdoc/>
    public int Count => _trie.Count;

    /// <summary>Whether there are none.</summary>
    public bool IsEmpty => _trie.Count == 0;

    /// <summary>A set of these.</summary>
    public static TaskSet Create(ReadOnlySpan<TaskId> ids)
    {
        var builder = Empty.ToBuilder();
        foreach (var id in ids)
            builder.Add(id);
        return builder.ToImmutable();
    }

    /// <summary>Whether it holds <paramref name="id"/>.</summary>
    public bool Contains(TaskId id) => _trie.TryGet(id.Value, out _);

    /// <inheritdoc/>
    public IEnumerator<TaskId> GetEnumerator() => _trie.Select(item => new TaskId(item.Id)).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal Builder ToBuilder() => new(this);

    /// <summary>Changes a set.</summary>
    internal sealed class Builder(TaskSet set)
    {
        private readonly IdTrie<Entry>.Builder _items = set._trie.ToBuilder();

        public int Count => _items.Count;

        public void Add(TaskId id)
        {
            if (!_items.TryGet(id.Value, out _))
                _items.Put(new Entry(id.Value));
        }

        public void Remove(TaskId id) => _items.Remove(id.Value);

        public TaskSet ToImmutable()
        {
            var made = _items.ToImmutable();
            return ReferenceEquals(made, set._trie) ? set : new TaskSet(made);
        }
    }

    private readonly record struct Entry(UInt128 Id) : IIdentified;
}
