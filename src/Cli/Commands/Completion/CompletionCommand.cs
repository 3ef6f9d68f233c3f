using System.CommandLine;
using Berth.Cli.Output;

namespace Berth.Cli.Commands.Completion;

/// <summary><c>berth completion bash|zsh|fish</c>.</summary>
internal static class CompletionCommand
{
    // The scripts ask 'berth complete' each time: it walks the command tree that runs, so they never go out of date.
    private const string Bash = """
        # bash completion for berth: source it, or put it into /etc/bash_completion.d
        _berth() {
            local IFS=$'\n'
            COMPREPLY=($(berth complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
        }
        complete -o default -F _berth berth

        """;

    private const string Zsh = """
        #compdef berth
        # zsh completion for berth: put it into a folder of $fpath as _berth
        _berth() {
            local -a candidates
            candidates=("${(@f)$(berth complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
            candidates=("${(@)candidates//:/\\:}")
            candidates=("${(@)candidates//$'\t'/:}")
            if [[ -n "${candidates[1]}" ]]; then
                _describe 'berth' candidates
            else
                _files
            fi
        }
        compdef _berth berth

        """;

    private const string Fish = """
        # fish completion for berth: put it into ~/.config/fish/completions/berth.fish
        complete -c berth -f -a '(berth complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
        complete -c berth -s c -l compose-file -r -F
        complete -c berth -l env-file -r -F

        """;

    /// <summary>The command.</summary>
    public static Command Build(CommandContext context) => new BerthCommand("completion", "Print the completion script of a shell").With(null,
        ("bash", () => Script(context, "bash", Bash, "source <(berth completion bash)")),
        ("zsh", () => Script(context, "zsh", Zsh, "berth completion zsh > /usr/local/share/zsh/site-functions/_berth")),
        ("fish", () => Script(context, "fish", Fish, "berth completion fish > ~/.config/fish/completions/berth.fish")));

    private static BerthCommand Script(CommandContext context, string shell, string script, string example) =>
        new BerthCommand(shell, $"Print the completion script of {shell}", example).Does((_, _) =>
        {
            context.Terminal.Out.Write(script);
            return Task.FromResult(ExitCode.Done);
        });
}
