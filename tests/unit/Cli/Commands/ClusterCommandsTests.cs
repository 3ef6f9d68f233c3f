using Berth.Cli.Commands;
using Berth.Cli.Output;
using Berth.Protocol.V1;
using Google.Protobuf.WellKnownTypes;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Cli.Commands;

/// <summary>What administrators' commands ask and print, over real gRPC.</summary>
public sealed class ClusterCommandsTests : IAsyncLifetime
{
    private readonly ScriptedAdmin _admin = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-cli-").FullName;

    public Task InitializeAsync() => _admin.Start();

    public async Task DisposeAsync()
    {
        await _admin.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Status_shows_managers_and_advice()
    {
        _admin.Statuses[0] = Three();

        var (code, stdout, _) = await Run("cluster status");

        Assert.Equal(ExitCode.Done, code);
        Assert.Equal("""
            Cluster: c1
             Store: etcd
             Epoch: 4, index 77
             Autolock: on
             Certificates of nodes: valid for 2160h
             Authority: abc, until 2046-01-01

            ID     HOSTNAME   ADDRESS    MANAGER STATUS   INDEX   VERSION   STORE MEMBER
            n1 *   berth1     10.0.0.1   Leader           77      1.0       started
            n2     berth2     10.0.0.2   Reachable        76      1.0       started
            n3     berth3     10.0.0.3   Unreachable      -                 unhealthy: no answer

            note: one manager is away: none of the others may be lost

            """, stdout);
    }

    [Fact]
    public async Task Status_as_json_has_numbers()
    {
        _admin.Statuses[0] = Three();

        using var json = System.Text.Json.JsonDocument.Parse((await Run("cluster status --format json")).Out);

        Assert.Equal(4, json.RootElement.GetProperty("Epoch").GetInt64());
        Assert.True(json.RootElement.GetProperty("Managers")[0].GetProperty("Leader").GetBoolean());
    }

    [Fact]
    public async Task Tokens_come_with_the_command_to_run()
    {
        Assert.Equal("To add a worker to this cluster, run the following command:\n\n    berth cluster join BERTH-1-digest-Worker 10.0.0.1 https://10.0.0.2:2500\n\n",
            (await Run("cluster token worker")).Out);
        Assert.Equal("BERTH-1-digest-Manager\n", (await Run("cluster join-token --rotate -q manager")).Out);
        Assert.Equal([false, true], _admin.Requests.OfType<GetJoinTokenRequest>().Select(request => request.Rotate));
    }

    [Fact]
    public async Task Turning_autolock_on_shows_the_key()
    {
        var (_, stdout, stderr) = await Run("cluster update --autolock true --cert-expiry 720h");

        Assert.Contains("    KEY-1\n", stdout);
        Assert.Equal("Cluster updated.\n", stderr);
        var request = _admin.Requests.OfType<UpdateClusterRequest>().Single();
        Assert.Equal((true, 720L * 3600 * 1_000_000_000, false), (request.Autolock, request.CertificateValidityNs, request.HasExternalAuthority));
    }

    [Fact]
    public async Task Without_autolock_there_is_no_key()
    {
        _admin.UnlockKey = "";

        var (code, _, stderr) = await Run("cluster unlock-key");

        Assert.Equal((ExitCode.Failed, "error: there is no unlock key: managers do not lock themselves when they restart\n  next: turn it on: berth cluster update --autolock true\n"), (code, stderr));
    }

    [Fact]
    public async Task The_data_key_is_rotated_and_its_new_id_is_all_that_is_on_stdout()
    {
        var (code, stdout, _) = await Run("cluster data-key rotate");

        Assert.Equal((ExitCode.Done, "0a1b2c3d\n"), (code, stdout));
        Assert.Single(_admin.Requests.OfType<RotateDataKeysRequest>());
    }

    [Fact]
    public async Task Keys_come_from_stdin_or_a_file_that_only_its_owner_reads()
    {
        await Run("cluster unlock", input: "from-stdin\n");
        var file = Path.Combine(_folder, "key");
        await File.WriteAllTextAsync(file, "from-file\nmore");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        var (code, _, stderr) = await Run($"cluster unlock --key-file {file}");
        Assert.Equal((ExitCode.WrongUsage, $"error: {file}, which holds the unlock key, may be read or written by others than its owner\n  next: chmod 600 {file}\n"), (code, stderr));
        File.SetUnixFileMode(file, UnixFileMode.UserRead);
        await Run($"cluster unlock --key-file {file}");

        Assert.Equal(["from-stdin", "from-file"], _admin.Requests.OfType<UnlockRequest>().Select(request => request.Key));
    }

    [Fact]
    public async Task A_passphrase_that_was_mistyped_is_not_used()
    {
        var typed = new Queue<string>(["one", "two"]);

        var (code, _, stderr) = await Run($"cluster backup -o {_folder}/b", hidden: typed.Dequeue);

        Assert.Equal(ExitCode.WrongUsage, code);
        Assert.Contains("the passphrase was not the same the second time", stderr);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    [Fact]
    public async Task A_backup_is_written_whole_and_for_its_owner_only()
    {
        var (code, stdout, stderr) = await Run($"cluster backup -o {_folder}/b", input: "secret\n");

        Assert.Equal((ExitCode.Done, $"{_folder}/b\n"), (code, stdout));
        Assert.StartsWith("6 bytes; it opens only with the passphrase.", stderr);
        Assert.Equal("onetwo", await File.ReadAllTextAsync($"{_folder}/b"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode($"{_folder}/b"));
        Assert.Equal("secret", _admin.Requests.OfType<BackupRequest>().Single().Passphrase);
    }

    [Fact]
    public async Task Moving_the_state_fails_unless_the_manager_says_it_is_done()
    {
        Assert.Equal((ExitCode.Done, "", "copying\nmoved\n"), await Run("cluster store migrate etcd"));

        var (code, _, stderr) = await Run("cluster store migrate sqlite");
        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains("error: the manager ended before the state was moved to sqlite", stderr);
    }

    [Fact]
    public async Task A_rotation_is_waited_for_until_every_node_has_moved()
    {
        _admin.Statuses.Clear();
        _admin.Statuses.AddRange([Rotating("berth2", "berth3"), Rotating("berth2", "berth3"), Rotating("berth3"), new ClusterStatus { Authority = new AuthorityStatus { Digest = "new" } }]);

        var (code, stdout, stderr) = await Run("cluster ca rotate");

        Assert.Equal((ExitCode.Done, "new\n"), (code, stdout));
        Assert.Equal("rotating: 2 still use the earlier authority: berth2, berth3\nrotating: 1 still use the earlier authority: berth3\n", stderr);
    }

    [Fact]
    public async Task An_authority_outside_is_rotated_to_by_its_certificate_alone()
    {
        _admin.Statuses.Clear();
        _admin.Statuses.Add(new ClusterStatus { Authority = new AuthorityStatus { Digest = "outside" } });
        File.WriteAllText($"{_folder}/root.pem", "a certificate");

        Assert.Equal((ExitCode.Done, "outside\n", ""), await Run($"cluster ca rotate --ca-cert {_folder}/root.pem"));
        var request = _admin.Requests.OfType<RotateAuthorityRequest>().Single();
        Assert.Equal(("a certificate", ""), (request.CertificatePem, request.KeyPem));

        var (code, _, stderr) = await Run($"cluster ca rotate --ca-key {_folder}/root.pem");
        Assert.Equal(ExitCode.WrongUsage, code);
        Assert.Contains("--ca-key is the key of a certificate, and none is given", stderr);
    }

    [Fact]
    public async Task A_client_is_made_with_a_key_that_never_leaves_and_its_file_can_be_imported()
    {
        var (code, _, _) = await Run($"cluster client create ann --role deployer --stack shop -o {_folder}/ann.berth");
        Assert.Equal(ExitCode.Done, code);
        var request = _admin.Requests.OfType<CreateClientRequest>().Single();
        Assert.Equal(("ann", "deployer", "shop"), (request.Name, request.Role, request.Stacks.Single()));

        Assert.Equal((ExitCode.Done, "prod\n", ""), await Run($"context import --name prod --use {_folder}/ann.berth"));
        Assert.Equal("""
            NAME      DESCRIPTION               MANAGERS                         CLIENT   EXPIRES
            default   This host's own manager   unix:///run/berth/manager.sock
            prod *    deployer of shop          https://10.0.0.1:2400            ann      DAY

            """, System.Text.RegularExpressions.Regex.Replace((await Run("context ls")).Out, @"\d{4}-\d\d-\d\d", "DAY"));
        Assert.Equal(ExitCode.WrongUsage, (await Run($"context import --name prod {_folder}/ann.berth")).Code);
    }

    [Theory]
    [InlineData("create x --role deployer", "client 'x' would be a deployer of no stack")]
    [InlineData("create x --role viewer --stack shop", "--stack has a meaning only for deployers, and client 'x' would be a viewer")]
    [InlineData("create ../x --role viewer", "'../x' cannot name a context")]
    public async Task A_client_that_makes_no_sense_is_refused_before_a_manager_is_asked(string line, string why)
    {
        var (code, _, stderr) = await Run("cluster client " + line);

        Assert.Equal(ExitCode.WrongUsage, code);
        Assert.Contains(why, stderr);
        Assert.Empty(_admin.Requests);
    }

    [Fact]
    public async Task What_the_role_does_not_allow_exits_with_5()
    {
        var (code, _, stderr) = await Run("cluster client rm nobody");

        Assert.Equal(ExitCode.NotAllowed, code);
        Assert.StartsWith("error: not allowed to remove client 'nobody': client 'bob' is a viewer, and this needs an admin\n", stderr);
    }

    [Fact]
    public async Task The_audit_log_is_one_line_an_entry()
    {
        _admin.Audit.Add(new AuditEntry
        {
            At = Timestamp.FromDateTime(new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc)),
            Who = "client 'bob'", Call = "RemoveServices", Subject = "web", Outcome = "refused: a viewer only reads", From = "10.0.0.9", Manager = "berth1",
        });

        var (code, stdout, _) = await Run("cluster audit --tail 5");

        Assert.Equal((ExitCode.Done, "2026-01-02T03:04:05.000Z client 'bob' RemoveServices web: refused: a viewer only reads (from 10.0.0.9, answered by berth1)\n"), (code, stdout));
        Assert.Equal(5, _admin.Requests.OfType<ReadAuditRequest>().Single().Tail);
    }

    [Fact]
    public async Task A_promotion_is_waited_for_until_the_manager_follows()
    {
        _admin.Statuses.Clear();
        _admin.Statuses.AddRange([
            new ClusterStatus(), With("berth2-id", "unknown", ""), With("berth2-id", "unreachable", ""), With("berth2-id", "reachable", ""),
            With("berth2-id", "reachable", "learner"), With("berth2-id", "reachable", "started"),
        ]);

        var (code, stdout, stderr) = await Run("node promote berth2");

        Assert.Equal((ExitCode.Done, "Node berth2 promoted to a manager in the cluster.\n"), (code, stdout));
        Assert.Equal(
            "berth2-id has no manager yet\nthe manager of berth2 has not answered yet\nthe manager of berth2 cannot be reached\n"
            + "the store of berth2 is not joined yet\nthe store of berth2 is learner\n", stderr);
    }

    [Fact]
    public async Task A_demotion_is_waited_for_until_the_manager_is_gone()
    {
        _admin.Statuses.Clear();
        _admin.Statuses.AddRange([With("berth2-id", "reachable", "started"), With("berth2-id", "leaving", ""), new ClusterStatus()]);

        Assert.Equal((ExitCode.Done, "Manager berth2 demoted in the cluster.\n", "the manager of berth2 is still there\n"), await Run("node demote berth2"));
        Assert.False(_admin.Requests.OfType<ChangeRoleRequest>().Single().Force);
    }

    [Theory]
    [InlineData("Password=x")]
    [InlineData("pwd=x")]
    [InlineData("PSW=x")]
    public async Task Passwords_do_not_belong_on_the_command_line(string password)
    {
        var (code, _, stderr) = await Run($"cluster store migrate postgres --postgres Host=db;{password}");

        Assert.Equal(ExitCode.WrongUsage, code);
        Assert.Contains("--postgres holds a password, and every user of this machine can see command lines", stderr);
    }

    private static ClusterStatus Rotating(params string[] nodes) => new() { Authority = new AuthorityStatus { Rotating = true, NodesToRenew = { nodes } } };

    private static ClusterStatus With(string node, string reachability, string member) => new()
    {
        Store = "etcd",
        Managers = { new ManagerStatus { NodeId = node, Hostname = node[..^3], Reachability = reachability, StoreMember = member } },
    };

    private static ClusterStatus Three() => new()
    {
        Id = "c1", Store = "etcd", Epoch = 4, Index = 77, AnsweredBy = "n1",
        Spec = new ClusterSpec { Autolock = true, CertificateValidityNs = 90L * 24 * 3600 * 1_000_000_000 },
        Authority = new AuthorityStatus { Digest = "abc", ExpiresAt = Timestamp.FromDateTime(new DateTime(2046, 1, 1, 0, 0, 0, DateTimeKind.Utc)) },
        Managers =
        {
            new ManagerStatus { NodeId = "n2", Hostname = "berth2", Address = "10.0.0.2", Reachability = "reachable", Index = 76, Version = "1.0", StoreMember = "started" },
            new ManagerStatus { NodeId = "n1", Hostname = "berth1", Address = "10.0.0.1", Leader = true, Reachability = "reachable", Index = 77, Version = "1.0", StoreMember = "started" },
            new ManagerStatus { NodeId = "n3", Hostname = "berth3", Address = "10.0.0.3", Reachability = "unreachable", StoreMember = "unhealthy: no answer" },
        },
        Advice = { "one manager is away: none of the others may be lost" },
    };

    private async Task<(int Code, string Out, string Err)> Run(string line, string input = "", Func<string>? hidden = null)
    {
        using StringWriter stdout = new(), stderr = new();
        var context = CliRun.Context(stdout, stderr, name => name switch { "BERTH_HOST" => _admin.Address, "XDG_CONFIG_HOME" => _folder + "/config", _ => null }) with
        {
            Input = new Keyboard { Text = new StringReader(input), IsTerminal = hidden is not null, Hidden = screen => { screen.WriteLine(); return hidden!(); } },
        };
        string[] words = line.Split(' ');
        var code = await BerthCli.Run(BerthCli.Build(context, LineWords.Of(words)), words, context);
        return (code, stdout.ToString(), stderr.ToString());
    }
}
