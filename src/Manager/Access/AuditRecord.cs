using Berth.Protocol.V1;
using Google.Protobuf.WellKnownTypes;

namespace Berth.Manager.Access;

/// <summary>Who did what, or was kept from it.</summary>
/// <param name="At">By the clock of the manager that answered.</param>
/// <param name="Who">For people: <c>admin 'ann'</c>, <c>root on 'berth1'</c>.</param>
/// <param name="Call">The call: <c>Control/DeployStack</c>.</param>
/// <param name="Subject">What it was about; never with contents of secrets.</param>
/// <param name="Outcome"><c>done</c>, or why it was refused or failed.</param>
/// <param name="From">Address or socket it came from; by way of which other manager.</param>
/// <param name="Manager">The manager that answered.</param>
public sealed record AuditRecord(DateTimeOffset At, string Who, string Call, string Subject, string Outcome, string From, string Manager)
{
    /// <summary>The outcome of what succeeded.</summary>
    public const string Done = "done";

    // What strangers send must not fill the disk.
    private const int LongestField = 500;

    /// <summary>With every field cut to a length that anybody reads.</summary>
    public AuditRecord Shortened() => this with
    {
        Who = Cut(Who), Call = Cut(Call), Subject = Cut(Subject), Outcome = Cut(Outcome), From = Cut(From), Manager = Cut(Manager),
    };

    /// <summary>As it travels.</summary>
    public AuditEntry ToWire() => new()
    {
        At = At.ToTimestamp(), Who = Who, Call = Call, Subject = Subject, Outcome = Outcome, From = From, Manager = Manager,
    };

    private static string Cut(string text) => text.Length <= LongestField ? text : $"{text[..LongestField]}…";
}
