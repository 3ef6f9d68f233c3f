using System.Globalization;

namespace Berth.Stacks.Values;

/// <summary>Shares of processor cores as Docker writes them: <c>0.5</c>, <c>2</c>.</summary>
public static class CpuAmount
{
    /// <summary>What to write, for messages.</summary>
    public const string Form = "a number of cores with at most nine decimals, such as 0.5";

    private const decimal NanoCpus = 1_000_000_000m;

    /// <summary>Reads an amount, billionths of a core.</summary>
    public static bool TryParse(string text, out long nanoCpus)
    {
        nanoCpus = 0;
        if (text.Length > 30 || !decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var cores))
            return false;
        if (cores > long.MaxValue / NanoCpus || cores * NanoCpus % 1 != 0)
            return false;
        nanoCpus = (long)(cores * NanoCpus);
        return true;
    }

    /// <summary>The shortest text that reads back as <paramref name="nanoCpus"/>.</summary>
    public static string Format(long nanoCpus) => (nanoCpus / NanoCpus).ToString("0.#########", CultureInfo.InvariantCulture);
}
