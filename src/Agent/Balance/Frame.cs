using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Berth.Agent.Network;
using Berth.Model.Networks;

namespace Berth.Agent.Balance;

/// <summary>The part of the table that is the same whatever services there are.</summary>
/// <remarks>docs/networks.md says what the rules are for. All policy is in the table's own chains, before those of the engine: what may pass
/// carries a mark that one rule of the engine's chain accepts, since a packet that one chain accepts may still be dropped by another.</remarks>
internal static class Frame
{
    public const string Nodes = "nodes";
    public const string Sources = "sources";
    public const string Own = "own";
    public const string Networks = "networks";
    public const string Internals = "internals";
    public const string Vips = "vips";
    public const string Services = "services";
    public const string Ports = "ports";
    public const string Returns = "returns";

    /// <summary>Sets, in the order in which they are declared.</summary>
    public static ImmutableArray<SetDeclaration> Sets { get; } =
    [
        // Where VXLAN packets may come from.
        new(Nodes, "set", "type ipv4_addr;"),
        // Which address is whose: veth and address.
        new(Sources, "set", "type ifname . ipv4_addr;"),
        // A container that was balanced to itself.
        new(Own, "set", "type ipv4_addr . ipv4_addr;"),
        new(Networks, "set", "type ipv4_addr . ipv4_addr; flags interval;"),
        new(Internals, "set", "type ipv4_addr; flags interval;"),
        new(Vips, "set", "type ipv4_addr; flags interval;"),
        new(Services, "map", "type ipv4_addr : verdict;"),
        new(Ports, "map", "type inet_proto . inet_service : verdict;"),
        // Hardware address of the node a connection came in by, and its number.
        new(Returns, "map", "type ether_addr : mark;"),
    ];

    /// <summary>The chains.</summary>
    /// <param name="pool">The cluster's pool.</param>
    /// <param name="self">This node.</param>
    /// <param name="settings">Numbers.</param>
    public static ImmutableArray<BaseChain> Chains(IPNetwork pool, NetworkPeer self, BalanceSettings settings)
    {
        var words = new Words(pool, self, settings);
        return
        [
            Raw(words), RawSent(words), Incoming(words), Translated(words), OwnTranslated(words), Forwarded(words), Received(words),
            Sent(words), Leaving(words), Disguised(words),
        ];
    }

    private static BaseChain Raw(Words w) => new("raw", "type filter hook prerouting priority raw - 10; policy accept;",
    [
        $"udp dport {w.VxlanPort} fib daddr type local ip saddr != @{Nodes} drop",
        // One entry for each connection inside would fill the table of connections.
        $"udp dport {w.VxlanPort} notrack",
        $"iifname {w.Overlay} ip daddr 127.0.0.0/8 drop",
        $"iifname {w.Veths} ip daddr 127.0.0.0/8 drop",
        $"iifname {w.Veths} iifname . ip saddr != @{Sources} drop",
    ]);

    private static BaseChain RawSent(Words w) => new("raw_sent", "type filter hook output priority raw - 10; policy accept;",
    [
        $"udp dport {w.VxlanPort} notrack",
    ]);

    // A connection by a published port of another node keeps its client's address; replies must go back through that node.
    private static BaseChain Incoming(Words w) => new("incoming", "type filter hook prerouting priority mangle; policy accept;",
    [
        $"iifname {w.Overlay} ct state new ip saddr != {w.Pool} ct mark set ether saddr map @{Returns}",
        $"iifname {w.Veths} ct direction reply ct mark & {w.NodeMask} != 0 meta mark set ct mark & {w.NodeMask}",
    ]);

    // Virtual addresses are for containers and the host's own processes; nobody else's packets are taken for one.
    private static BaseChain Translated(Words w) => new("translated", "type nat hook prerouting priority dstnat - 10; policy accept;",
    [
        $"iifname {w.Veths} ip daddr vmap @{Services}",
        $"ip saddr @{Internals} return",
        $"ip daddr != {w.Names} fib daddr type local meta l4proto . th dport vmap @{Ports}",
    ]);

    private static BaseChain OwnTranslated(Words w) => new("translated_own", "type nat hook output priority -110; policy accept;",
    [
        $"ip daddr vmap @{Services}",
        $"ip daddr != {w.Names} fib daddr type local meta l4proto . th dport vmap @{Ports}",
    ]);

    private static BaseChain Forwarded(Words w) => new("forwarded", "type filter hook forward priority filter - 10; policy accept;",
    [
        // Still a virtual address here: nobody answers for it.
        $"ip daddr @{Vips} meta l4proto tcp reject with tcp reset",
        $"ip daddr @{Vips} reject with icmp port-unreachable",
        $"iifname != {w.Veths} iifname != {w.Overlay} oifname != {w.Veths} oifname != {w.Overlay} accept",
        $"ct state established,related meta mark set meta mark | {w.Accept} accept",
        // Published ports are reachable from every network.
        $"ct mark & {w.Published} != 0 meta mark set meta mark | {w.Accept} accept",
        // Isolation at the source, then at the destination.
        $"iifname {w.Veths} ip saddr @{Internals} ip saddr . ip daddr != @{Networks} drop",
        $"iifname {w.Veths} ip daddr {w.Pool} ip daddr != {w.NodeAddresses} ip saddr . ip daddr != @{Networks} drop",
        $"oifname {w.Veths} ip saddr {w.Pool} ip saddr != {w.NodeAddresses} ip saddr . ip daddr != @{Networks} drop",
        // Neither a way into the networks for others, nor one through this host.
        $"oifname {w.Veths} iifname != {w.Veths} iifname != {w.Overlay} drop",
        $"oifname {w.Overlay} iifname != {w.Veths} drop",
        $"iifname {w.Overlay} oifname != {w.Veths} drop",
        $"meta mark set meta mark | {w.Accept} accept",
    ]);

    private static BaseChain Received(Words w) => new("received", "type filter hook input priority filter - 10; policy accept;",
    [
        $"iifname {w.Veths} ip daddr {w.Names} meta l4proto {{ tcp, udp }} th dport 53 meta mark set meta mark | {w.Accept} accept",
        $"udp dport {w.VxlanPort} ip saddr @{Nodes} meta mark set meta mark | {w.Accept} accept",
        $"ip daddr {w.Names} iifname != {w.Veths} iifname != \"lo\" drop",
        $"ip saddr @{Internals} ct state new drop",
    ]);

    private static BaseChain Sent(Words w) => new("sent", "type filter hook output priority filter - 10; policy accept;",
    [
        $"ip daddr @{Vips} meta l4proto tcp reject with tcp reset",
        $"ip daddr @{Vips} reject with icmp port-unreachable",
    ]);

    // The mark that leads replies to a node must not lead the packet they are wrapped in. Clients outside know nothing of the smaller packets inside.
    private static BaseChain Leaving(Words w) => new("leaving", "type filter hook postrouting priority mangle; policy accept;",
    [
        $"oifname {w.Overlay} meta mark set meta mark & {w.NotNodeMask}",
        $"oifname {w.Overlay} tcp flags syn tcp option maxseg size set rt mtu",
    ]);

    private static BaseChain Disguised(Words w) => new("disguised", "type nat hook postrouting priority srcnat - 10; policy accept;",
    [
        // A container that calls itself would answer itself, and the reply never come back to be translated. It sees its gateway as the caller.
        $"ip saddr . ip daddr @{Own} snat to {w.Names}",
        // Clients whose address means another host, or nothing, where the packet goes.
        $"ct mark & {w.Published} != 0 ip saddr {{ 127.0.0.0/8, {w.Pool} }} oifname {w.Veths} snat to {w.Self}",
        $"ct mark & {w.Published} != 0 ip saddr {{ 127.0.0.0/8, {w.Pool} }} oifname {w.Overlay} snat to {w.Self}",
        $"ct mark & {w.Published} != 0 ip saddr @{Nodes} oifname {w.Overlay} snat to {w.Self}",
        $"ip saddr {w.Pool} ip daddr != {w.Pool} oifname != {w.Overlay} oifname != {w.Veths} masquerade",
    ]);

    private sealed class Words(IPNetwork pool, NetworkPeer self, BalanceSettings settings)
    {
        // The pool's first /16 is kept for nodes, or all of a smaller pool.
        private const int NodePrefix = 16;

        public string Pool { get; } = pool.ToString();
        public string NodeAddresses { get; } = new IPNetwork(pool.BaseAddress, Math.Max(NodePrefix, pool.PrefixLength)).ToString();
        public string Self { get; } = Ipv4.OfNode(pool, self.Number).ToString();
        public string Overlay { get; } = $"\"{settings.Overlay}\"";
        public string Veths { get; } = $"\"{settings.VethPrefix}*\"";
        public string Names { get; } = settings.Names.ToString();
        public string VxlanPort { get; } = settings.VxlanPort.ToString(CultureInfo.InvariantCulture);
        public string Accept { get; } = Mark(settings.AcceptMark);
        public string Published { get; } = Mark(settings.PublishedMark);
        public string NodeMask { get; } = Mark(settings.NodeMask);
        public string NotNodeMask { get; } = Mark(~settings.NodeMask);
    }

    /// <summary>A mark as nft reads it.</summary>
    public static string Mark(uint value) => "0x" + value.ToString("x8", CultureInfo.InvariantCulture);
}
