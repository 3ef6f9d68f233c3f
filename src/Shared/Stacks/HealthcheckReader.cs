using Berth.Model;
using Berth.Stacks.Values;
using Berth.Stacks.Yaml;

namespace Berth.Stacks;

/// <summary>Reads a service's health check.</summary>
internal static class HealthcheckReader
{
    // The engine refuses shorter ones; zero stands for the default.
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1);

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
        if (field.Node is not YamlList)
            return field.Text() is { Length: > 0 } line ? ["CMD-SHELL", line] : [];

        var test = field.Texts();
        if (test.IsEmpty)
            return [];
        if (test[0] is not ("NONE" or "CMD" or "CMD-SHELL"))
            field.Items().First().Problem($"a test begins with CMD, CMD-SHELL or NONE, not with '{test[0]}'",
                Nearest.To(test[0], ["NONE", "CMD", "CMD-SHELL"]) is { } near ? $"did you mean {near}?" : "put CMD before it");
        else if (test[0] == "NONE" ? test.Count > 1 : test.Count == 1)
            field.Problem(test[0] == "NONE" ? "nothing may follow NONE" : $"nothing follows {test[0]}", test[0] == "NONE" ? "remove it" : "write the command after it");
        else if (test is ["CMD-SHELL", _, _, ..])
            field.Problem("CMD-SHELL takes one text", "write the whole line as one text, or use CMD");
        return test;
    }

    private static TimeSpan? Time(Field? field)
    {
        if (field?.Duration() is not { } time || time == TimeSpan.Zero)
            return null;
        if (time < Shortest)
            field.Problem("it is shorter than 1ms", "write 1ms or more, or 0s for the default");
        return time;
    }
}
