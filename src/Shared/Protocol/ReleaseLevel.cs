using System.Globalization;

namespace Berth.Protocol;

/// <summary>What a release says and understands, as one number: it grows by one with every release that adds to what is written into
/// the state or said between programs. Rules: docs/decisions/0022-release-levels.md.</summary>
public static class ReleaseLevel
{
    /// <summary>Of programs that say nothing of levels.</summary>
    public const int First = 1;

    /// <summary>From which on the state holds what lets certificates of clients outlive a rotation of the authority.</summary>
    public const int ClientsOutliveRotations = 2;

    /// <summary>From here on there are networks of the cluster: in the state, and in what agents are told.</summary>
    public const int Networks = 3;

    /// <summary>Of this source.</summary>
    public const int Newest = Networks;

    /// <summary>For tests only: lets a program pose as the release before or after it.</summary>
    public const string TestVariable = "BERTH_TEST_RELEASE_LEVEL";

    /// <summary>Of this process.</summary>
    public static int Own { get; } = Read(Environment.GetEnvironmentVariable(TestVariable));

    /// <summary>The level that a message names; programs that know of none leave it out.</summary>
    public static int OfWire(int level) => level > 0 ? level : First;

    /// <summary>Why two programs do not speak to each other; null when they do: releases that follow one another do.</summary>
    /// <param name="who">Whose level <paramref name="theirs"/> is, such as <c>the agent</c>.</param>
    /// <param name="theirs">The level of who asks.</param>
    /// <param name="me">Whose level <paramref name="own"/> is, such as <c>this manager</c>.</param>
    /// <param name="own">The level of who is asked.</param>
    public static string? Problem(string who, int theirs, string me, int own)
    {
        if (Math.Abs(theirs - own) <= 1)
            return null;
        var (older, next) = theirs < own ? (who, theirs + 1) : (me, own + 1);
        return string.Create(CultureInfo.InvariantCulture,
            $"{who} is of release level {theirs} and {me} of level {own}: only neighbouring releases speak to each other; upgrade {older}, first to a release of level {next}");
    }

    /// <summary>What the test variable says; anything but a level near this source's is passed over.</summary>
    public static int Read(string? text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var level) && level is >= First and <= Newest + 2 ? level : Newest;
}
