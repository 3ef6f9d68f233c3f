using System.Collections.Concurrent;
using System.Globalization;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Berth.Tests.Integration.Observability;

/// <summary>A span as it was received.</summary>
public sealed record ReceivedSpan(string Program, string Trace, string Id, string Parent, string Name);

/// <summary>Receives traces as any OpenTelemetry collector does: OTLP over HTTP, in protobuf.</summary>
public sealed class TraceCollector : IAsyncDisposable
{
    private readonly ConcurrentQueue<ReceivedSpan> _spans = new();
    private readonly WebApplication _app;

    private TraceCollector(WebApplication app) => _app = app;

    public Uri Address => new(_app.Urls.First());

    public IReadOnlyList<ReceivedSpan> Spans => [.. _spans];

    public static async Task<TraceCollector> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var collector = new TraceCollector(app);
        app.MapPost("/v1/traces", collector.ReceiveAsync);
        await app.StartAsync();
        return collector;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    // ExportTraceServiceRequest: resource_spans = 1. The answer is an empty ExportTraceServiceResponse.
    private async Task ReceiveAsync(HttpContext call)
    {
        using var body = new MemoryStream();
        await call.Request.Body.CopyToAsync(body);
        foreach (var (_, resourceSpans) in Fields(body.ToArray()).Where(field => field.Number == 1))
            Take(resourceSpans);
        call.Response.ContentType = "application/x-protobuf";
    }

    // ResourceSpans: resource = 1 { attributes = 1 { key = 1, value = 2 { string_value = 1 } } }, scope_spans = 2 { spans = 2 }.
    private void Take(byte[] resourceSpans)
    {
        var program = "";
        foreach (var (number, content) in Fields(resourceSpans))
        {
            if (number == 1)
                program = Fields(content).Where(field => field.Number == 1).Select(field => Attribute(field.Content)).FirstOrDefault(pair => pair.Key == "service.name").Value ?? "";
            else if (number == 2)
                foreach (var (_, span) in Fields(content).Where(field => field.Number == 2))
                    _spans.Enqueue(Span(program, span));
        }
    }

    private static KeyValuePair<string, string> Attribute(byte[] attribute)
    {
        var fields = Fields(attribute).ToDictionary(field => field.Number, field => field.Content);
        var value = Fields(fields[2]).FirstOrDefault(field => field.Number == 1).Content ?? [];
        return KeyValuePair.Create(Text(fields[1]), Text(value));
    }

    // Span: trace_id = 1, span_id = 2, parent_span_id = 4, name = 5.
    private static ReceivedSpan Span(string program, byte[] span)
    {
        var fields = Fields(span).Where(field => field.Number is 1 or 2 or 4 or 5).ToDictionary(field => field.Number, field => field.Content);
        string Hex(int number) => fields.TryGetValue(number, out var bytes) ? Convert.ToHexStringLower(bytes) : "";
        return new ReceivedSpan(program, Hex(1), Hex(2), Hex(4), Text(fields[5]));
    }

    // The fields of a message that have a length; the others are passed over.
    private static List<(int Number, byte[] Content)> Fields(byte[] message)
    {
        var fields = new List<(int, byte[])>();
        using var input = new CodedInputStream(message);
        uint tag;
        while ((tag = input.ReadTag()) != 0)
        {
            if (WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited)
                fields.Add((WireFormat.GetTagFieldNumber(tag), input.ReadBytes().ToByteArray()));
            else
                input.SkipLastField();
        }
        return fields;
    }

    private static string Text(byte[] bytes) => System.Text.Encoding.UTF8.GetString(bytes);

    /// <summary>All spans, for messages of tests.</summary>
    public override string ToString() => string.Join('\n', _spans.Select(span => string.Create(CultureInfo.InvariantCulture, $"{span.Trace} {span.Id} under '{span.Parent}' {span.Program}: {span.Name}")));
}
