using System.CommandLine;
using System.Globalization;
using Berth.Cli.Output;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Clusters;

/// <summary><c>berth cluster backup</c>: the whole state in one encrypted file, while everything goes on.</summary>
internal static class ClusterBackup
{
    /// <summary>The flag that names the passphrase's file.</summary>
    public static Option<string?> PassphraseFlag() =>
        SecretInput.FileFlag("--passphrase-file", "Read the passphrase from this file, which only its owner may read; - is stdin");

    /// <summary>The command.</summary>
    public static Command Build(CommandContext context)
    {
        var output = new Option<string>("--output", "-o") { Description = "The file to write; - is stdout", HelpName = "file", Required = true };
        var passphrase = PassphraseFlag();
        return new BerthCommand("backup", "Write an encrypted copy of the cluster's state, while everything goes on",
            "berth cluster backup -o cluster.backup", "berth cluster backup -o cluster.backup --passphrase-file /root/passphrase")
            .With(output, passphrase)
            .Does(context, async (parse, client, cancel) =>
            {
                var file = parse.GetRequiredValue(output);
                var request = new BackupRequest
                {
                    Passphrase = SecretInput.Read(context, parse.GetValue(passphrase), "Passphrase for the backup: ", "the passphrase", twice: true),
                };
                var chunks = client.FollowAdmin("back up the cluster", (admin, call) => admin.Backup(request, call), cancel);
                if (file == "-")
                {
                    await using var stdout = Console.OpenStandardOutput();
                    await Copy(chunks, stdout, cancel);
                    return ExitCode.Done;
                }
                using var draft = PrivateFile.Draft.Of(file);
                var bytes = await Copy(chunks, draft.Stream, cancel);
                draft.Finish();
                context.Terminal.Out.WriteLine(file);
                context.Terminal.Note(string.Create(CultureInfo.InvariantCulture,
                    $"{bytes} bytes; it opens only with the passphrase. Check it with: berth cluster inspect-backup {file}"));
                return ExitCode.Done;
            });
    }

    private static async Task<long> Copy(IAsyncEnumerable<BackupChunk> chunks, Stream target, CancellationToken cancel)
    {
        var bytes = 0L;
        await foreach (var chunk in chunks.WithCancellation(cancel))
        {
            await target.WriteAsync(chunk.Data.Memory, cancel);
            bytes += chunk.Data.Length;
        }
        await target.FlushAsync(cancel);
        return bytes > 0 ? bytes : throw new UserError("the manager sent an empty backup", "look at its log; 'berth cluster status' shows whether it is well");
    }
}
