using System.CommandLine;
using Berth.Cli.Output;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Clusters;

/// <summary><c>berth cluster store</c>: where the state is kept.</summary>
internal static class ClusterStore
{
    /// <summary>The command and the one below it.</summary>
    public static Command Build(CommandContext context, string? named) =>
        new BerthCommand("store", "Manage where the cluster's state is kept").With(named, ("migrate", () => Migrate(context)));

    private static BerthCommand Migrate(CommandContext context)
    {
        var store = new Argument<string>("STORE") { Description = "etcd, postgres or sqlite" }.AcceptOnlyFromAmong("etcd", "postgres", "sqlite");
        var postgres = Flag.Text("--postgres", "connection", "How PostgreSQL is reached, without a password: 'Host=db;Database=berth;Username=berth;SSL Mode=VerifyFull'");
        var password = SecretInput.FileFlag("--postgres-file", "Read the connection from this file, which only its owner may read, where it holds a password");
        return new BerthCommand("migrate", "Move the state into another store while everything goes on",
            "berth cluster store migrate etcd",
            "berth cluster store migrate postgres --postgres 'Host=db;Database=berth;Username=berth;SSL Mode=VerifyFull'",
            "berth cluster store migrate sqlite")
            .With(postgres, password)
            .With(store)
            .Does(context, async (parse, client, cancel) =>
            {
                var request = new MigrateStoreRequest
                {
                    Store = parse.GetRequiredValue(store),
                    Postgres = Postgres.Connection(parse.GetRequiredValue(store), parse.GetValue(postgres), parse.GetValue(password)) ?? "",
                };
                var isDone = false;
                await foreach (var progress in client.FollowAdmin($"move the state to {request.Store}", (admin, call) => admin.MigrateStore(request, call), cancel))
                {
                    context.Terminal.Note(progress.Message);
                    isDone = progress.Done;
                }
                return isDone ? ExitCode.Done : throw new UserError($"the manager ended before the state was moved to {request.Store}",
                    "see which store it uses: berth cluster status; then run the same command again");
            });
    }
}
