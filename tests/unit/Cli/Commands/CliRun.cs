using Berth.Cli.Commands;
using Berth.Cli.Lab;
using Berth.Cli.Output;
using Berth.Model;

namespace Berth.Tests.Cli.Commands;

/// <summary>Runs one command line of the real command tree and keeps what it prints.</summary>
internal static class CliRun
{
    public static CommandContext Context(TextWriter stdout, TextWriter stderr, Func<string, string?>? environment = null) => new()
    {
        Terminal = new Terminal { Out = stdout, Err = stderr },
        Environment = environment ?? (_ => null),
        Time = TimeProvider.System,
        Ids = IdSource.Seeded(1),
    };

    public static async Task<(int Code, string Out, string Err)> Run(string[] arguments, Func<string, string?>? environment = null)
    {
        using StringWriter stdout = new(), stderr = new();
        var context = Context(stdout, stderr, environment ?? (name => name == "BERTH_HOST" ? "unix:///nonexistent/manager.sock" : null));
        var code = await BerthCli.Run(BerthCli.Build(context, LineWords.Of(arguments), ("lab", LabCommand.Build)), arguments, context);
        return (code, stdout.ToString(), stderr.ToString());
    }
}
