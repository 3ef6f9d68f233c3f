using System.CommandLine;
using System.Diagnostics;
using Berth.Cli.Host;
using Berth.Cli.Output;

namespace Berth.Cli.Commands.Clusters;

/// <summary><c>berth cluster recover</c>: makes this host's manager the only one, when the others are lost for good.</summary>
internal static class ClusterRecover
{
    /// <summary>The command.</summary>
    public static Command Build(CommandContext context)
    {
        var force = Flag.Switch("--force", "Also when a majority of the managers still answers", "-f");
        return new BerthCommand("recover", "Make this host's manager the only one, when the others are lost for good", "berth cluster recover")
            .With(force)
            .Does(async (parse, cancel) =>
            {
                HostDaemons.RequireRoot("berth cluster recover");
                var paths = HostPaths.Of(parse.GetValue(GlobalOptions.Host), context.Environment);
                if (!paths.HasManager)
                    throw new UserError("this host runs no manager of a cluster", "run this on a manager's host that is left; see which: berth node ls");
                return await RunAsync(context, Manager(), paths, parse.GetValue(force), cancel) == 0 ? ExitCode.Done : ExitCode.Failed;
            });
    }

    // It works on files, also where no manager can start: so the manager's own program does it.
    private static async Task<int> RunAsync(CommandContext context, string program, HostPaths paths, bool isForced, CancellationToken cancel)
    {
        string[] arguments = ["recover", "--data", paths.Manager, .. isForced ? ["--force"] : Array.Empty<string>()];
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })
            ?? throw new UserError($"'{program}' did not start", "install the package of the manager again");
        var said = process.StandardOutput.ReadToEndAsync(cancel);
        var failed = process.StandardError.ReadToEndAsync(cancel);
        await process.WaitForExitAsync(cancel);
        context.Terminal.Out.Write(await said);
        if (process.ExitCode != 0)
            throw new UserError((await failed).Trim().Replace("error: ", "", StringComparison.Ordinal), "see berth cluster recover --help");
        return process.ExitCode;
    }

    private static string Manager()
    {
        var places = new[] { Path.Combine(AppContext.BaseDirectory, "manager/berth-manager"), "/usr/lib/berth/manager/berth-manager" }
            .Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Where(folder => folder.Length > 0).Select(folder => Path.Combine(folder, "berth-manager")));
        return places.FirstOrDefault(File.Exists) ?? throw new UserError("berth-manager is not installed on this host", "install it, or put it on PATH");
    }
}
