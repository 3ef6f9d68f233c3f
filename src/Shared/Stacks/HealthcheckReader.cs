using Berth.Model;
using Berth.Stacks.Yaml;

namespace Berth.Stacks;

/// <summary>Reads a service's health check.</summary>
internal static class HealthcheckReader
{
    public static Healthcheck? Read(Field? field)
    {
        if (field is null)
            return null;
        Keys.Healthcheck.Check(field);
        var test = ReadTest(field.Get("test"));
        if (field.Get("disable") is { } disable && disable.Boolean() == true)
        {
            if (!test.IsEmpty)
                disable.Problem("a test is given as well", "keep one of the two");
            test = ["NONE"];
        }
        return new Healthcheck
        {
            Test = test,
            Interval = Time(field.Get("interval")),
            Timeout = Time(field.Get("timeout")),
            StartPeriod = Time(field.Get("start_period")),
            Retries = field.Get("retries")?.Integer(0, int.MaxValue) ?? 0,
        };
    }

    private static ValueList<string> ReadTest(Field? field)
    {
        if (field is null)
            return [];
        if (field.Node is YamlList)
            return field.Texts();
        return field.Text() is { Length: > 0 } line ? ["CMD-SHELL", line] : [];
    }

    // Zero stands for the default, as in Docker.
    private static TimeSpan? Time(Field? field) => field?.Duration() is { } time && time > TimeSpan.Zero ? time : null;
}
