using System.Globalization;
using Berth.Identity;

namespace Berth.Manager.Hosting;

/// <summary>Keeps a second manager off a data directory, for as long as the process lives.</summary>
public sealed class DirectoryLock : IDisposable
{
    private const string FileName = "lock";

    // EAGAIN, as flock answers when somebody else has the lock.
    private const int IsTaken = 11;
    private const string PidFileName = "manager.pid";
    private const UnixFileMode OwnerOnlyDirectory = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly FileStream _file;

    private DirectoryLock(FileStream file) => _file = file;

    /// <summary>Makes the directory when it is missing and takes it.</summary>
    /// <exception cref="StartRefusedException">Another manager has it, or it cannot be used.</exception>
    public static DirectoryLock Take(string directory)
    {
        var path = Path.Combine(directory, FileName);
        try
        {
            Directory.CreateDirectory(directory, OwnerOnlyDirectory);
            File.SetUnixFileMode(directory, OwnerOnlyDirectory);
            var file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
            try
            {
                // Agent and command line end a manager that is not wanted any more by this number; who reads it looks what it is.
                PrivateText.Write(Path.Combine(directory, PidFileName), Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
            }
            catch
            {
                file.Dispose();
                throw;
            }
            return new DirectoryLock(file);
        }
        catch (IOException error) when (error.HResult == IsTaken)
        {
            throw new StartRefusedException($"another berth-manager uses '{directory}' (it holds '{path}'); stop that one, or choose another directory with --data");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StartRefusedException($"the data directory '{directory}' cannot be used: {error.Message}; mend that, or choose another directory with --data");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}

/// <summary>The manager cannot start; the message says why and what to change, without a stack trace.</summary>
public sealed class StartRefusedException(string message) : Exception(message);
