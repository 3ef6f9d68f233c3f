using Akka.Actor;
using Berth.Manager.Journals.Sqlite;
using Berth.Manager.Keys;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Tests.House;
using Microsoft.Data.Sqlite;
using static Berth.Tests.Manager.Store.Samples;

namespace Berth.Tests.Manager.Store;

public sealed class StoreActorTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("berth-store-").FullName;

    [Fact]
    public async Task What_was_acknowledged_is_there_after_a_restart()
    {
        await using (var store = await StoreHost.StartAsync(_directory))
        {
            var answer = await store.ExecuteAsync(new Command.CreateService(ASpec()));
            Assert.Equal(2, Assert.IsType<StoreProtocol.Executed>(answer).Index);
        }
        await using var again = await StoreHost.StartAsync(_directory);
        Assert.Equal("web", Assert.Single(again.View.Current.Services.Values).Spec.Name);
        Assert.Equal((3, 2), (again.View.Current.Index, again.View.Current.Epoch));
    }

    [Fact]
    public async Task The_journal_of_the_release_before_is_read_and_what_is_written_shows_nothing()
    {
        // Written by berth-manager 0.1: a stack with a service whose environment says 'in the clear'.
        File.Copy(Path.Combine(SourceTree.Root, "tests/unit/Manager/Store/Journals/0.1.db"), Path.Combine(_directory, "journal.db"));
        await using (var store = await StoreHost.StartAsync(_directory))
        {
            Assert.Equal(["PASSWORD=in the clear"], store.View.Current.FindService("shop_web")!.Spec.Task.Container.Env);
            await store.ExecuteAsync(new Command.CreateService(ASpec("hidden-name")));
        }
        await using (var again = await StoreHost.StartAsync(_directory))
            Assert.NotNull(again.View.Current.FindService("hidden-name"));
        foreach (var file in Directory.GetFiles(_directory))
            Assert.Equal(-1, File.ReadAllBytes(file).AsSpan().IndexOf("hidden-name"u8));
    }

    [Fact]
    public async Task A_store_without_its_keys_does_not_start_and_says_which_key_it_lacks()
    {
        await using (var store = await StoreHost.StartAsync(_directory))
            await store.ExecuteAsync(new Command.CreateService(ASpec()));
        var key = new KeyFile(_directory).Read(null).Current.Id;
        File.Delete(Path.Combine(_directory, "keys.json"));

        await using var again = await StoreHost.StartAsync(_directory);
        var said = await again.Failed;
        Assert.Contains($"data key {key}", said);
        Assert.Contains("Copy", said);
    }

    [Fact]
    public async Task Commands_that_come_together_are_written_together_and_each_is_one_commit()
    {
        await using var store = await StoreHost.StartAsync(_directory);
        var answers = await Task.WhenAll(Enumerable.Range(1, 200).Select(number => store.ExecuteAsync(new Command.CreateService(ASpec($"web{number}")))));
        Assert.Equal(Enumerable.Range(2, 200).Select(index => (long)index), answers.Cast<StoreProtocol.Executed>().Select(answer => answer.Index).Order());
        Assert.Equal(200, store.View.Current.Services.Count);
    }

    [Fact]
    public async Task A_second_store_on_the_same_files_cannot_write()
    {
        await using var first = await StoreHost.StartAsync(_directory);
        await using var second = await StoreHost.StartAsync(_directory);
        await second.ExecuteAsync(new Command.CreateService(ASpec("second")));
        first.Store.Tell(new StoreProtocol.Execute(new Command.CreateService(ASpec("first"))));
        Assert.Contains("another manager took the lead", await first.Failed);
        Assert.Null(first.View.Current.FindService("first"));
    }

    [Fact]
    public async Task A_stale_proposal_is_refused_whole_or_in_part()
    {
        await using var store = await StoreHost.StartAsync(_directory);
        await store.ExecuteAsync(ANode(1));
        await store.ExecuteAsync(new Command.CreateService(ASpec()));
        var (seen, service) = (store.View.Current.Index, store.View.Current.FindService("web")!.Id);
        Change[] create = [new Change.TaskCreated(new TaskId(1), service, 1, null, 1, TaskState.Running, 0, null)];
        Assert.IsType<StoreProtocol.Committed>(await store.ProposeAsync(new StoreProtocol.Propose(seen, [.. create])));

        Change[] both = [new Change.TaskAssigned(new TaskId(1), new NodeId(1)), new Change.TaskCreated(new TaskId(2), service, 2, null, 1, TaskState.Running, 0, null)];
        Assert.IsType<StoreProtocol.Stale>(await store.ProposeAsync(new StoreProtocol.Propose(seen, [.. both])));
        var partly = Assert.IsType<StoreProtocol.Committed>(await store.ProposeAsync(new StoreProtocol.Propose(seen, [.. both], Partial: true)));
        Assert.Equal(1, partly.LeftOut);
        Assert.Null(store.View.Current.Tasks[new TaskId(1)].NodeId);
        Assert.True(store.View.Current.Tasks.ContainsKey(new TaskId(2)));
    }

    [Fact]
    public async Task Reports_are_soft_but_ends_are_kept()
    {
        var (kept, lost) = (new TaskId(1), new TaskId(2));
        await using (var store = await StoreHost.StartAsync(_directory))
        {
            await WithTwoTasksAsync(store, kept, lost);
            store.Store.Tell(new StoreProtocol.Observe(new NodeId(9), [(lost, Status(TaskState.Failed))]));
            store.Store.Tell(new StoreProtocol.Observe(new NodeId(1), [(kept, Status(TaskState.Running)), (lost, Status(TaskState.Running))]));
            store.Store.Tell(new StoreProtocol.Observe(new NodeId(1), [(lost, Status(TaskState.Preparing)), (kept, Status(TaskState.Failed) with { ExitCode = 3 })]));
            var state = await store.UntilAsync(state => state.Tasks[kept].State == TaskState.Failed);
            Assert.Equal(TaskState.Running, state.Tasks[lost].State);
            await store.ExecuteAsync(ANode(2));
        }
        await using var again = await StoreHost.StartAsync(_directory);
        Assert.Equal(TaskState.Assigned, again.View.Current.Tasks[lost].State);
        Assert.Equal((TaskState.Failed, 3, Noon), (again.View.Current.Tasks[kept].State, again.View.Current.Tasks[kept].Status.ExitCode, again.View.Current.Tasks[kept].Status.RunningSince));
    }

    [Fact]
    public async Task Chunked_snapshots_are_read_again_and_the_journal_shrinks()
    {
        var options = new StoreOptions { Directory = _directory, SnapshotCommits = 20, ChunkBytes = 300 };
        ClusterState before;
        await using (var store = await StoreHost.StartAsync(options))
        {
            await WithTwoTasksAsync(store, new TaskId(1), new TaskId(2));
            // On a busy machine commits outrun the snapshot beside them: the next one begins with a commit after its end.
            for (var number = 0; number < 70 || !IsShort(); number++)
            {
                Assert.True(number < 3000, "the journal did not shrink");
                await store.ExecuteAsync(new Command.CreateService(ASpec($"web{number}", $"web:{number}")));
            }
            before = store.View.Current;
        }
        Assert.True(Rows("snapshots.db", "SELECT COUNT(*) FROM snapshot WHERE persistence_id = 'cluster-chunks'") > 10);
        await using var again = await StoreHost.StartAsync(options);
        var after = again.View.Current;
        Assert.Equal((before.Index + 1, before.Epoch + 1, before.ClusterId), (after.Index, after.Epoch, after.ClusterId));
        Assert.Equal(before.Services.OrderBy(pair => pair.Key), after.Services.OrderBy(pair => pair.Key));
        Assert.Equal(before.Tasks.OrderBy(pair => pair.Key), after.Tasks.OrderBy(pair => pair.Key));
    }

    [Fact]
    public async Task A_subscriber_gets_the_present_state_and_then_every_change()
    {
        await using var store = await StoreHost.StartAsync(_directory);
        using var inbox = Inbox.Create(store.System);
        store.Store.Tell(new StoreProtocol.Subscribe(inbox.Receiver));
        Assert.True(Next(inbox).Touched.All);
        await store.ExecuteAsync(new Command.CreateService(ASpec()));
        var changed = Next(inbox);
        Assert.Equal([changed.State.FindService("web")!.Id], changed.Touched.Services);
    }

    [Fact]
    public async Task A_damaged_journal_stops_the_manager_with_what_to_do()
    {
        await using (var store = await StoreHost.StartAsync(_directory))
            await store.ExecuteAsync(new Command.CreateService(ASpec()));
        Sql("journal.db", "UPDATE journal SET message = x'FFFFFF' WHERE sequence_number = 2");
        await using var again = await StoreHost.StartAsync(_directory);
        Assert.Contains("cannot be read", await again.Failed);
        Assert.Equal(0, again.View.Current.Index);
    }

    [Fact]
    public void Files_that_are_no_database_are_refused()
    {
        File.WriteAllText(Path.Combine(_directory, "journal.db"), new string('x', 5000));
        Assert.Contains("journal.db", Assert.Throws<InvalidDataException>(() => SqliteFiles.Prepare(_directory)).Message);
    }

    [Fact]
    public void The_directory_and_its_files_are_for_their_owner_only()
    {
        var directory = Path.Combine(_directory, "new");
        SqliteFiles.Prepare(directory);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(directory));
        Assert.All(Directory.GetFiles(directory), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
    }

    private static async Task WithTwoTasksAsync(StoreHost store, TaskId one, TaskId two)
    {
        await store.ExecuteAsync(ANode(1));
        await store.ExecuteAsync(new Command.CreateService(ASpec()));
        var (index, service) = (store.View.Current.Index, store.View.Current.FindService("web")!.Id);
        await store.ProposeAsync(new StoreProtocol.Propose(index,
            [new Change.TaskCreated(one, service, 1, null, 1, TaskState.Running, 0, null), new Change.TaskCreated(two, service, 2, null, 1, TaskState.Running, 0, Noon)]));
        await store.ProposeAsync(new StoreProtocol.Propose(index + 1, [new Change.TaskAssigned(one, new NodeId(1)), new Change.TaskAssigned(two, new NodeId(1))]));
    }

    private static StoreProtocol.StateChanged Next(Inbox inbox) =>
        Assert.IsType<StoreProtocol.StateChanged>(inbox.Receive(TimeSpan.FromSeconds(20)));

    private bool IsShort() =>
        Rows("journal.db", "SELECT COUNT(*) FROM journal") < 40 && Rows("snapshots.db", "SELECT COUNT(*) FROM snapshot WHERE persistence_id = 'cluster'") == 1;

    private long Rows(string file, string sql) => Convert.ToInt64(Sql(file, sql), System.Globalization.CultureInfo.InvariantCulture);

    private object? Sql(string file, string sql)
    {
        using var connection = new SqliteConnection(SqliteFiles.ConnectionString(_directory, file));
        connection.Open();
        // The files' triggers ask in which term one writes; here nobody else does.
        connection.CreateFunction("berth_epoch", () => 1L);
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
