namespace Berth.Model;

/// <summary>One thing that is wrong with a spec.</summary>
/// <param name="Path">Where, in the words of a stack file: <c>image</c>, <c>deploy.resources.limits.memory</c>,
/// <c>ports[1]</c>, <c>services.web.image</c>.</param>
/// <param name="Message">What is wrong and what to write instead; for people.</param>
public sealed record SpecProblem(string Path, string Message)
{
    /// <summary><c>PATH: MESSAGE</c>.</summary>
    public override string ToString() => $"{Path}: {Message}";
}

/// <summary>Gathers problems, so that a reader learns all of them at once.</summary>
internal sealed class SpecProblems
{
    // Nothing that people deploy waits longer, and 100 years of nanoseconds still fit the wire's 64 bits.
    private static readonly TimeSpan LongestDuration = TimeSpan.FromDays(36_500);

    public List<SpecProblem> All { get; } = [];

    public void Add(string path, string message) => All.Add(new SpecProblem(path, message));

    public void AddIf(bool wrong, string path, string message)
    {
        if (wrong)
            Add(path, message);
    }

    public void NotNegative(string path, long number) =>
        AddIf(number < 0, path, $"{number} is negative; write 0 or more");

    public void NotNegative(string path, TimeSpan span)
    {
        AddIf(span < TimeSpan.Zero, path, $"{span.TotalSeconds} s is negative; write a duration of 0 s or more");
        AddIf(span > LongestDuration, path, $"{span.TotalDays:0} days is longer than the {LongestDuration.TotalDays:0} days that are allowed");
    }

    public void Known<T>(string path, T value)
        where T : struct, Enum =>
        AddIf(!Enum.IsDefined(value), path, $"{value} is not a value this version knows; known are {string.Join(", ", Enum.GetNames<T>())}");
}
