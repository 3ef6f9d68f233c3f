using Berth.Identity;

namespace Berth.Cli.Output;

/// <summary>Files that hold secrets: only their owner may read them, and they are replaced as a whole.</summary>
internal static class PrivateFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Writes a text; a crash leaves the earlier file or the new one.</summary>
    /// <exception cref="UserError">It cannot be written.</exception>
    public static void Write(string path, string text)
    {
        try
        {
            PrivateText.Write(Path.GetFullPath(path), text);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Refused(path, error);
        }
    }

    private static UserError Refused(string path, Exception error) =>
        UserError.Usage($"{path} cannot be written: {error.Message}", "name another file, or see to the folder's permissions");

    /// <summary>A file that is being written and takes its name when it is whole.</summary>
    public sealed class Draft : IDisposable
    {
        private readonly string _path;
        private readonly string _draft;
        private bool _isFinished;

        private Draft(string path, string draft, FileStream stream) => (_path, _draft, Stream) = (path, draft, stream);

        /// <summary>What is written.</summary>
        public FileStream Stream { get; }

        /// <summary>Begins a file.</summary>
        /// <exception cref="UserError">It cannot be written.</exception>
        public static Draft Of(string path)
        {
            var draft = $"{path}.{Environment.ProcessId}.new";
            try
            {
                File.Delete(draft);
                return new Draft(path, draft, new FileStream(draft, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw Refused(path, error);
            }
        }

        /// <summary>It is whole: it takes its name.</summary>
        public void Finish()
        {
            Stream.Flush(flushToDisk: true);
            Stream.Dispose();
            File.Move(_draft, _path, overwrite: true);
            _isFinished = true;
        }

        /// <inheritdoc/>
        public void Dispose()
        {
            Stream.Dispose();
            if (!_isFinished)
                File.Delete(_draft);
        }
    }
}
