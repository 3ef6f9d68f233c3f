using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Berth.Manager.Journals.Postgres;
using Berth.Manager.Keys;
using Berth.Manager.Store;
using Berth.Model;
using Npgsql;

namespace Berth.Tests.Integration.Stores;

/// <summary>What only PostgreSQL does: races with open transactions, hung and misconfigured servers, TLS.</summary>
public sealed class PostgresStoreTests(PostgresFixture fixture) : IClassFixture<PostgresFixture>
{
    private readonly RowKeys _keys = new(KeyRing.Create(DateTimeOffset.UnixEpoch), "keys.json");

    [SkippableFact]
    public async Task A_write_that_waits_for_a_takeover_inserts_nothing()
    {
        var place = await fixture.NewPlaceAsync();
        await using var old = await LeadAsync(place);
        await old.AppendAsync(3);
        await using var raw = await ConnectAsync(place);
        await using var takeover = await raw.BeginTransactionAsync();
        await RunAsync(raw, "UPDATE berth.leader SET epoch = epoch + 1; UPDATE berth.guard SET epoch = epoch + 1");

        var stale = old.AppendAsync(10);
        var snapshot = Record.ExceptionAsync(() => old.Backend.HeadAsync(default));
        await Task.Delay(TimeSpan.FromSeconds(1));
        Assert.False(stale.IsCompleted);
        await takeover.CommitAsync();

        Assert.True(FencedException.IsIn(await Record.ExceptionAsync(() => stale)));
        Assert.Null(await snapshot);
        Assert.Equal(3L, await RunAsync(raw, "SELECT count(*) FROM berth.journal"));
    }

    [SkippableFact]
    public async Task A_takeover_waits_for_a_write_that_has_begun()
    {
        var place = await fixture.NewPlaceAsync();
        await using var old = await LeadAsync(place);
        await using var next = await OpenAsync(place);
        await using var raw = await ConnectAsync(place, epoch: 1, name: "somebody");
        await using var write = await raw.BeginTransactionAsync();
        await InsertAsync(raw, 1);

        var taking = next.TakeAsync();
        await Task.Delay(TimeSpan.FromMilliseconds(700));
        Assert.False(taking.IsCompleted);
        await write.CommitAsync();
        Assert.Equal(2, (await taking).Epoch);
        Assert.Equal(1, await next.Backend.HeadAsync(default));
    }

    [SkippableFact]
    public async Task A_leader_that_was_stopped_in_the_middle_of_a_write_does_not_keep_the_lead()
    {
        var place = await fixture.NewPlaceAsync();
        await using var old = await LeadAsync(place);
        await using var next = await OpenAsync(place);
        await using var raw = await ConnectAsync(place, epoch: 1, name: PostgresStore.WriterName);
        await using var write = await raw.BeginTransactionAsync();
        await InsertAsync(raw, 1);
        await Task.Delay(TimeSpan.FromSeconds(1));

        Assert.Equal(2, (await next.TakeAsync()).Epoch);
        await Assert.ThrowsAnyAsync<Exception>(() => write.CommitAsync());
        Assert.Equal(0, await next.Backend.HeadAsync(default));
    }

    [SkippableFact]
    public async Task A_server_that_hangs_makes_nobody_wait_for_long()
    {
        await using var server = await PostgresServer.StartNewAsync();
        var place = new PostgresPlace(server, await server.NewDatabaseAsync());
        await using var store = await LeadAsync(place);
        Assert.True(await store.Backend.Leader.RenewAsync(1, default));
        await server.SignalAsync("STOP");
        var waited = Stopwatch.StartNew();
        try
        {
            await Assert.ThrowsAnyAsync<IOException>(() => store.Backend.Leader.RenewAsync(1, default));
            using var soon = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
            await Assert.ThrowsAnyAsync<Exception>(() => store.Backend.Leader.ReadAsync(soon.Token));
            // The driver's own limits are seconds; whatever hangs would wait for ever.
            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(30), $"{waited.Elapsed}");
        }
        finally
        {
            await server.SignalAsync("CONT");
        }
        Assert.True(await store.Backend.Leader.RenewAsync(1, default));
    }

    [SkippableFact]
    public async Task Managers_that_start_at_the_same_time_make_the_tables_once()
    {
        var place = await fixture.NewPlaceAsync();
        await Task.WhenAll(Enumerable.Range(0, 5).Select(async _ =>
        {
            await using var backend = place.Open(new LeaderTerm());
            await backend.PrepareAsync(default);
        }));
        await using var raw = await ConnectAsync(place);
        Assert.Equal(1L, await RunAsync(raw, "SELECT count(*) FROM berth.format"));
    }

    [SkippableTheory]
    [InlineData("DROP TRIGGER journal_may ON berth.journal", "journal_may")]
    [InlineData("ALTER TABLE berth.journal DISABLE TRIGGER journal_continues", "journal_continues")]
    [InlineData("CREATE OR REPLACE FUNCTION berth.may_keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'", "fence")]
    [InlineData("ALTER TABLE berth.journal DROP CONSTRAINT journal_key", "journal_key")]
    [InlineData("INSERT INTO berth.format (version) VALUES (99)", "format 99")]
    public async Task A_store_that_could_lose_something_is_not_started_on(string damage, string said)
    {
        var place = await fixture.NewPlaceAsync();
        await using var backend = place.Open(new LeaderTerm());
        await backend.PrepareAsync(default);
        await using var raw = await ConnectAsync(place);
        await RunAsync(raw, damage);
        Assert.Contains(said, (await Assert.ThrowsAsync<InvalidDataException>(() => backend.PrepareAsync(default))).Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_server_that_does_not_keep_what_it_acknowledged_is_refused()
    {
        await using var server = await PostgresServer.StartNewAsync("synchronous_commit = off");
        await using var backend = new PostgresPlace(server, await server.NewDatabaseAsync()).Open(new LeaderTerm());
        Assert.Contains("synchronous_commit=off", (await Assert.ThrowsAsync<InvalidDataException>(() => backend.PrepareAsync(default))).Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task The_server_proves_who_it_is_or_gets_nothing()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var own = SelfSigned(key, "127.0.0.1");
        using var otherKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = SelfSigned(otherKey, "127.0.0.1");
        await using var server = await PostgresServer.StartNewAsync();
        await File.WriteAllTextAsync(Path.Combine(server.Home, "ca.crt"), own.ExportCertificatePem());
        await File.WriteAllTextAsync(Path.Combine(server.Home, "other.crt"), other.ExportCertificatePem());
        await server.UseTlsAsync(own.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
        var database = await server.NewDatabaseAsync();

        var text = $"{server.Connection(database)};SSL Mode=VerifyFull;Root Certificate={server.Home}/";
        await using (var trusting = new PostgresStore(PostgresAddress.Parse(text + "ca.crt"), new LeaderTerm(), TimeProvider.System))
        {
            await trusting.PrepareAsync(default);
            Assert.Equal(LeaderRecord.None, await trusting.Leader.ReadAsync(default));
        }
        await using var wary = new PostgresStore(PostgresAddress.Parse(text + "other.crt"), new LeaderTerm(), TimeProvider.System);
        var refused = await Assert.ThrowsAsync<IOException>(() => wary.PrepareAsync(default));
        Assert.Contains("certificate", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(PostgresServer.Password, refused.ToString(), StringComparison.Ordinal);
    }

    private static X509Certificate2 SelfSigned(ECDsa key, string address)
    {
        var request = new CertificateRequest($"CN={address}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(System.Net.IPAddress.Parse(address));
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(30));
    }

    private Task<StoreSession> OpenAsync(PostgresPlace place) => StoreSession.OpenAsync(place, _keys);

    private async Task<StoreSession> LeadAsync(PostgresPlace place)
    {
        var session = await OpenAsync(place);
        await session.TakeAsync();
        return session;
    }

    private static async Task<NpgsqlConnection> ConnectAsync(PostgresPlace place, long epoch = 0, string name = "test")
    {
        var connection = new NpgsqlConnection($"{place.Connection};Pooling=false;Application Name={name};Options=-c berth.epoch={epoch}");
        await connection.OpenAsync();
        return connection;
    }

    private static Task<object?> InsertAsync(NpgsqlConnection connection, long number) => RunAsync(
        connection, $"INSERT INTO berth.journal (created, deleted, persistence_id, sequence_number, message) VALUES (0, false, 'cluster', {number}, '')");

    private static async Task<object?> RunAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
