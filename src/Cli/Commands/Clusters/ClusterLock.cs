using System.CommandLine;
using Berth.Cli.Client;
using Berth.Cli.Output;
using Berth.Protocol.V1;
using Task = System.Threading.Tasks.Task;

namespace Berth.Cli.Commands.Clusters;

/// <summary><c>berth cluster unlock</c>, <c>unlock-key</c> and <c>data-key</c>.</summary>
internal static class ClusterLock
{
    /// <summary><c>unlock</c>.</summary>
    public static Command Unlock(CommandContext context)
    {
        var file = SecretInput.FileFlag("--key-file", "Read the key from this file, which only its owner may read; - is stdin");
        return new BerthCommand("unlock", "Unlock this host's manager after it restarted; the key is asked for, or read from stdin",
            "berth cluster unlock", "berth cluster unlock --key-file /root/unlock-key")
            .With(file)
            .Does(context, async (parse, client, cancel) =>
            {
                var request = new UnlockRequest { Key = SecretInput.Read(context, parse.GetValue(file), "Please enter unlock key: ", "the unlock key") };
                await client.Administer("unlock the manager", (admin, call) => admin.UnlockAsync(request, call), cancel);
                context.Terminal.Note("Manager unlocked.");
                return ExitCode.Done;
            });
    }

    /// <summary><c>unlock-key</c>.</summary>
    public static Command Key(CommandContext context)
    {
        var rotate = Flag.Switch("--rotate", "Rotate the unlock key");
        var quiet = Flag.Switch("--quiet", "Only display the key", "-q");
        return new BerthCommand("unlock-key", "Display or rotate the key that unlocks restarted managers", "berth cluster unlock-key", "berth cluster unlock-key --rotate -q")
            .With(rotate, quiet)
            .Does(context, async (parse, client, cancel) =>
            {
                var key = await Ask(client, parse.GetValue(rotate), cancel);
                if (parse.GetValue(quiet))
                {
                    context.Terminal.Out.WriteLine(key);
                    return ExitCode.Done;
                }
                if (parse.GetValue(rotate))
                    context.Terminal.Out.WriteLine("Successfully rotated manager unlock key.\n");
                context.Terminal.Out.Write(Text(key));
                return ExitCode.Done;
            });
    }

    /// <summary><c>data-key</c>.</summary>
    public static Command DataKey(CommandContext context, string? named) =>
        new BerthCommand("data-key", "Manage the key that the state is sealed under where it is kept").With(named, ("rotate", () => RotateDataKey(context)));

    private static BerthCommand RotateDataKey(CommandContext context) =>
        new BerthCommand("rotate", "Seal the state under a new key, on every manager, and forget the earlier ones", "berth cluster data-key rotate")
            .Does(context, async (_, client, cancel) =>
            {
                var answer = await client.Administer("rotate the data key", (admin, call) => admin.RotateDataKeysAsync(new RotateDataKeysRequest(), call), cancel);
                context.Terminal.Note("Every manager has the new key; nothing is sealed under an earlier one any more. Backups made before open with their passphrase as ever.");
                context.Terminal.Out.WriteLine(answer.KeyId);
                return ExitCode.Done;
            });

    /// <summary>Shows the key after autolock was turned on.</summary>
    public static async Task Print(CommandContext context, ManagerClient client, CancellationToken cancel) =>
        context.Terminal.Out.Write(Text(await Ask(client, false, cancel)));

    private static string Text(string key) =>
        $"""
        To unlock a manager after it restarts, run 'berth cluster unlock' on its host
        and provide the following key:

            {key}

        Please remember to store this key in a password manager, since without it you
        will not be able to restart the manager.

        """;

    private static async Task<string> Ask(ManagerClient client, bool rotate, CancellationToken cancel)
    {
        var request = new GetUnlockKeyRequest { Rotate = rotate };
        var answer = await client.Administer($"{(rotate ? "rotate" : "read")} the unlock key", (admin, call) => admin.GetUnlockKeyAsync(request, call), cancel);
        return answer.Key.Length > 0 ? answer.Key : throw new UserError("there is no unlock key: managers do not lock themselves when they restart",
            "turn it on: berth cluster update --autolock true");
    }
}
