using Berth.Identity;
using Berth.Manager.Journals.Etcd;
using Berth.Manager.Members;

namespace Berth.Manager.Hosting;

/// <summary><c>berth-manager recover</c>: on the one manager that is left of a lost majority, with its host's etcd under a supervisor.</summary>
public static class RecoverCommand
{
    /// <summary>What <c>--help</c> prints of it.</summary>
    public const string Help = """
        Usage: berth-manager recover --data DIR [--force]

          recover     makes this host's manager the only one, with everything that its share of the store holds; for when
                      the other managers are lost for good. They should not come back as they are: remove their data first.
                      Agents that have heard of this one obey it and not them

          --data DIR  the manager's data directory
          --force     also when a majority still answers
        """;

    private const int Failed = 1;
    private const int WrongUsage = 2;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(45);

    /// <summary>Whether the command line is this.</summary>
    public static bool Is(IReadOnlyList<string> arguments) => arguments is ["recover", ..];

    /// <summary>Runs it.</summary>
    /// <returns>The process's exit code.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, TextWriter stdout, TextWriter stderr, TimeProvider time)
    {
        if (arguments.Contains("--help"))
        {
            stdout.WriteLine(Help);
            return 0;
        }
        var isForced = arguments.Contains("--force");
        var data = arguments.Skip(1).Where(argument => argument != "--force").ToArray() is ["--data", var directory] ? directory : "";
        if (data.Length == 0)
        {
            stderr.WriteLine("error: recover needs --data DIR, and takes --force; run berth-manager recover --help");
            return WrongUsage;
        }
        try
        {
            return await RecoverAsync(Path.GetFullPath(data), isForced, stdout, time);
        }
        catch (Exception error) when (error is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            stderr.WriteLine($"error: {error.Message}");
            return Failed;
        }
    }

    private static async Task<int> RecoverAsync(string data, bool isForced, TextWriter stdout, TimeProvider time)
    {
        var file = ManagerFile.Load(data) ?? throw new InvalidDataException($"there is no {ManagerFile.Name} in '{data}': no manager of a cluster runs here; run this on the manager that is left");
        if (file.Store == "etcd")
        {
            var member = new LocalMember(MemberPlace.Beside(data, file.NodeId, file.Advertise), time);
            if (!isForced && await member.HasMajorityAsync(CancellationToken.None))
            {
                throw new InvalidDataException("a majority of the managers' etcd answers: nothing is lost. To take out a manager that is gone, run berth node demote NODE "
                    + "and berth node rm NODE; to make this one the only one all the same, run this with --force");
            }
            await member.RecoverAsync(Patience, CancellationToken.None);
        }
        // Whoever leads next on this host reads it, and takes the others' role away.
        new KnownManagers(data).Recover();
        stdout.WriteLine($"this manager is the only one now, with all its store in {file.Store} holds; it leads within seconds. Add others with: berth node promote NODE");
        return 0;
    }
}
