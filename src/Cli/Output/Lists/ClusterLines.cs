using System.Globalization;
using System.Text;
using Berth.Protocol.V1;

namespace Berth.Cli.Output.Lists;

/// <summary>What <c>cluster status</c> shows.</summary>
internal sealed record ClusterText(
    string ID, DateTime CreatedAt, string Store, long Epoch, long Index, bool Locked, bool Autolock, string CertificateValidity, string AuthorityDigest,
    DateTime? AuthorityExpiresAt, bool AuthorityRotating, IReadOnlyList<string> NodesToRenew, string ExternalAuthority, string AnsweredBy,
    IReadOnlyList<ManagerLine> Managers, IReadOnlyList<string> Advice, DateTime? EarlierClientsUntil = null)
{
    /// <summary>As JSON and people see it.</summary>
    public static ClusterText Of(ClusterStatus status) => new(
        status.Id, status.CreatedAt?.ToDateTime() ?? default, status.Store, status.Epoch, status.Index, status.Locked, status.Spec?.Autolock ?? false,
        status.Spec is { CertificateValidityNs: > 0 } spec ? DurationText.Of(TimeSpan.FromTicks(spec.CertificateValidityNs / 100)) : "",
        status.Authority?.Digest ?? "", status.Authority?.ExpiresAt?.ToDateTime(), status.Authority?.Rotating ?? false,
        [.. status.Authority?.NodesToRenew ?? []], status.Spec is { ExternalAuthority.Length: > 0 } external ? external.ExternalAuthority : status.Authority?.ExternalUrl ?? "",
        status.AnsweredBy,
        [.. status.Managers.Select(manager => ManagerLine.Of(manager, status)).OrderBy(line => line.Hostname, StringComparer.Ordinal).ThenBy(line => line.ID, StringComparer.Ordinal)],
        [.. status.Advice], status.Authority?.EarlierClientsUntil?.ToDateTime());

    /// <summary>As people read it.</summary>
    public string Text(int? width)
    {
        var text = new StringBuilder();
        void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
        Line($"Cluster: {ID}");
        if (CreatedAt != default)
            Line($" Created: {CreatedAt:yyyy-MM-dd HH:mm:ss} UTC");
        if (Locked)
            Line($" Locked: this manager waits for its unlock key; run: berth cluster unlock");
        Line($" Store: {Store}");
        Line($" Epoch: {Epoch}, index {Index}");
        Line($" Autolock: {(Autolock ? "on" : "off")}");
        if (CertificateValidity.Length > 0)
            Line($" Certificates of nodes: valid for {CertificateValidity}");
        if (AuthorityDigest.Length > 0)
            Line($" Authority: {AuthorityDigest}{(AuthorityExpiresAt is { } end ? $", until {end:yyyy-MM-dd}" : "")}");
        if (ExternalAuthority.Length > 0)
            Line($" External authority: {ExternalAuthority}");
        if (EarlierClientsUntil is { } until)
            Line($" Clients of earlier authorities: believed until {until:yyyy-MM-dd}");
        if (AuthorityRotating)
            Line($" Rotating the authority: {(NodesToRenew.Count == 0 ? "nearly done" : $"waits for {string.Join(", ", NodesToRenew)}")}");
        text.Append('\n').Append(ManagerLine.Listing.Render(Managers, new ListFormat.Table(), false, width));
        if (Advice.Count > 0)
            text.Append('\n');
        foreach (var advice in Advice)
            Line($"note: {advice}");
        return text.ToString();
    }
}

/// <summary>A manager's row.</summary>
internal sealed record ManagerLine(
    string ID, string Hostname, string Address, string ManagerStatus, long Index, string Version, string StoreMember, bool Leader, string Reachability, bool Answered)
{
    /// <summary>How managers are listed; <c>*</c> marks the one that answered.</summary>
    public static Listing<ManagerLine> Listing { get; } = new(
        [
            new("ID", row => row.ID + (row.Answered ? " *" : "")),
            new("HOSTNAME", row => row.Hostname),
            new("ADDRESS", row => row.Address),
            new("MANAGER STATUS", row => row.ManagerStatus),
            new("INDEX", row => row.Index == 0 ? "-" : row.Index.ToString(CultureInfo.InvariantCulture)),
            new("VERSION", row => row.Version),
            new("STORE MEMBER", row => row.StoreMember),
        ],
        row => row.ID,
        () => ListJson.Default.ManagerLine);

    /// <summary>The row of a manager.</summary>
    public static ManagerLine Of(ManagerStatus manager, ClusterStatus status) => new(
        manager.NodeId, manager.Hostname, manager.Address, Word(manager), manager.Index, manager.Version, manager.StoreMember, manager.Leader,
        manager.Reachability, manager.NodeId.Length > 0 && manager.NodeId == status.AnsweredBy);

    /// <summary>Docker's word for a manager's state.</summary>
    public static string Word(ManagerStatus manager) => (manager.Leader, manager.Reachability) switch
    {
        (_, "unreachable") => "Unreachable",
        (true, _) => "Leader",
        (_, "reachable") => "Reachable",
        (_, "leaving") => "Leaving",
        _ => "Unknown",
    };
}

/// <summary>A row of <c>cluster client ls</c>.</summary>
internal sealed record ClientLine(string Name, string Role, IReadOnlyList<string> Stacks, DateTime CreatedAt, DateTime ExpiresAt, string Serial)
{
    /// <summary>How clients are listed.</summary>
    public static Listing<ClientLine> Listing { get; } = new(
        [
            new("NAME", row => row.Name),
            new("ROLE", row => row.Role),
            new("STACKS", row => row.Role == "deployer" ? string.Join(", ", row.Stacks) : ""),
            new("CREATED", row => Day(row.CreatedAt)),
            new("EXPIRES", row => Day(row.ExpiresAt)),
            new("SERIAL", row => row.Serial),
        ],
        row => row.Name,
        () => ListJson.Default.ClientLine);

    /// <summary>The row of a client.</summary>
    public static ClientLine Of(Berth.Protocol.V1.Client client) => new(client.Name, client.Role, [.. client.Stacks],
        client.CreatedAt?.ToDateTime() ?? default, client.ExpiresAt?.ToDateTime() ?? default, client.Serial);

    private static string Day(DateTime instant) => instant == default ? "" : instant.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}

/// <summary>A line of the audit log.</summary>
internal sealed record AuditLine(DateTime At, string Who, string Call, string Subject, string Outcome, string From, string Manager)
{
    /// <summary>As JSON shows it.</summary>
    public static AuditLine Of(AuditEntry entry) => new(
        entry.At?.ToDateTime() ?? default, entry.Who, entry.Call, entry.Subject, entry.Outcome, entry.From, entry.Manager);

    /// <summary>As people read it.</summary>
    public string Text() => string.Create(CultureInfo.InvariantCulture,
        $"{At:yyyy-MM-ddTHH:mm:ss.fffZ} {Who} {Call}{(Subject.Length > 0 ? $" {Subject}" : "")}: {Outcome} (from {From}, answered by {Manager})");
}

/// <summary>A row of <c>context ls</c>.</summary>
internal sealed record ContextLine(string Name, bool Current, string Description, IReadOnlyList<string> Managers, string Client, DateTime? ExpiresAt)
{
    /// <summary>How contexts are listed, after <c>docker context ls</c>.</summary>
    public static Listing<ContextLine> Listing { get; } = new(
        [
            new("NAME", row => row.Name + (row.Current ? " *" : "")),
            new("DESCRIPTION", row => row.Description),
            new("MANAGERS", row => string.Join(", ", row.Managers)),
            new("CLIENT", row => row.Client),
            new("EXPIRES", row => row.ExpiresAt?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) ?? ""),
        ],
        row => row.Name,
        () => ListJson.Default.ContextLine);
}
