using System.Globalization;

namespace Berth.Manager.Store;

/// <summary>The state was written by a release whose rows this one cannot read: it must end, and may not run on with a part of it.</summary>
public sealed class NewerReleaseException(string message) : Exception(message)
{
    /// <summary>The state is of a higher level than this release.</summary>
    public static NewerReleaseException Of(int level, int own) => new(string.Create(CultureInfo.InvariantCulture,
        $"the cluster's state is of release level {level}, and this berth-manager reads up to level {own}: start the release that ran before, or a newer one. "
        + $"The way back to an earlier release is the backup that was made before the upgrade"));

    /// <summary>Whether one lies behind an error.</summary>
    public static NewerReleaseException? In(Exception? error)
    {
        for (var cause = error; cause is not null; cause = cause.InnerException)
        {
            if (cause is NewerReleaseException newer)
                return newer;
            if (cause is AggregateException several && several.InnerExceptions.Select(In).FirstOrDefault(found => found is not null) is { } among)
                return among;
        }
        return null;
    }
}
