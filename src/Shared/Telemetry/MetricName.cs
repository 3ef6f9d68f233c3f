using System.Text;

namespace Berth.Telemetry;

/// <summary>Names of instruments in Prometheus' form.</summary>
public static class MetricName
{
    /// <summary>Dots become underscores and the unit is added: <c>berth.store.append.duration</c> in <c>s</c> is
    /// <c>berth_store_append_duration_seconds</c>.</summary>
    /// <param name="instrument">The instrument's name.</param>
    /// <param name="unit">Its unit as UCUM writes it; null for plain numbers.</param>
    public static string Of(string instrument, string? unit)
    {
        var name = new StringBuilder(instrument.Length + 8);
        foreach (var letter in instrument)
            name.Append(char.IsAsciiLetterOrDigit(letter) || letter is '_' or ':' ? letter : '_');
        var suffix = unit switch
        {
            "s" => "_seconds",
            "By" => "_bytes",
            _ => "",
        };
        return name.Append(suffix).ToString();
    }
}
