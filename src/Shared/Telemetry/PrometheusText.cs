using System.Globalization;
using System.Text;

namespace Berth.Telemetry;

/// <summary>Writes metrics as Prometheus reads them: its text format, version 0.0.4.</summary>
public static class PrometheusText
{
    /// <summary>What a page in this format is served as.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>Writes all families, in the order of their names.</summary>
    public static string Write(IEnumerable<MetricFamily> families)
    {
        var text = new StringBuilder(16 << 10);
        foreach (var family in families.OrderBy(family => family.Name, StringComparer.Ordinal))
        {
            var name = family.Kind == MetricKind.Counter ? family.Name + "_total" : family.Name;
            text.Append("# HELP ").Append(name).Append(' ').Append(Escape(family.Description, quotes: false)).Append('\n');
            text.Append("# TYPE ").Append(name).Append(' ').Append(Word(family.Kind)).Append('\n');
            foreach (var point in family.Points)
                Write(text, name, point);
        }
        return text.ToString();
    }

    private static void Write(StringBuilder text, string name, MetricPoint point)
    {
        if (point.Buckets is not { } buckets)
        {
            Line(text, name, point.Labels, null, Number(point.Value));
            return;
        }
        foreach (var (bound, count) in buckets)
            Line(text, name + "_bucket", point.Labels, Number(bound), count.ToString(CultureInfo.InvariantCulture));
        Line(text, name + "_sum", point.Labels, null, Number(point.Value));
        Line(text, name + "_count", point.Labels, null, buckets[^1].Count.ToString(CultureInfo.InvariantCulture));
    }

    private static void Line(StringBuilder text, string name, IReadOnlyList<KeyValuePair<string, string>> labels, string? bound, string number)
    {
        text.Append(name);
        var separator = '{';
        foreach (var (label, value) in labels)
        {
            text.Append(separator).Append(label).Append("=\"").Append(Escape(value, quotes: true)).Append('"');
            separator = ',';
        }
        if (bound is not null)
        {
            text.Append(separator).Append("le=\"").Append(bound).Append('"');
            separator = ',';
        }
        if (separator == ',')
            text.Append('}');
        text.Append(' ').Append(number).Append('\n');
    }

    private static string Word(MetricKind kind) => kind switch
    {
        MetricKind.Counter => "counter",
        MetricKind.Histogram => "histogram",
        _ => "gauge",
    };

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        double.NaN => "NaN",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    private static string Escape(string text, bool quotes)
    {
        var escaped = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return quotes ? escaped.Replace("\"", "\\\"", StringComparison.Ordinal) : escaped;
    }
}
