import { formatAddress, type AddressRange } from "./cidr";
import type { Chain, Endpoint, PeerMatch, PortMatch, Rule, Ruleset } from "./compile";

/** The one table that is ours; kube-proxy and the CNI plugins have others. */
export const TABLE = "ip drydock-network-policy";

/** A comment of a rule may have 128 characters. */
const COMMENT_LENGTH = 120;

export interface PodNetwork {
  /** Of all pods. */
  readonly podCidr: string;
}

/**
 * The rules as one transaction of `nft -f -`: each packet meets all of the former rules or all of
 * these. Forwarded packets alone are judged, after a Service's address was replaced by a pod's: what
 * comes from the node itself, such as the kubelet's probes, and what goes to it passes, as
 * Kubernetes demands.
 */
export function renderRuleset(ruleset: Ruleset, network: PodNetwork): string {
  return `table ${TABLE} {}
delete table ${TABLE}
${renderTable(ruleset, network)}`;
}

/**
 * No pod has any traffic with another: until the policies are known. Fails where the table is there
 * already, whose rules stay as they are.
 */
export function renderClosed(network: PodNetwork): string {
  return `create table ${TABLE}
${renderTable({ known: [], chains: [], namedPorts: new Map() }, network)}`;
}

function renderTable({ known, chains, namedPorts }: Ruleset, { podCidr }: PodNetwork): string {
  const keys = [...namedPorts.keys()].sort();
  const portSets = new Map(keys.map((key, index) => [key, `port-${String(index + 1)}`]));
  const named = chains.map((chain, index) => ({ name: chainName(chain, index), chain }));
  const verdicts = (direction: Chain["direction"]): string[] =>
    named
      .filter(({ chain }) => chain.direction === direction)
      .flatMap(({ name, chain }) => chain.addresses.map((address) => `${address} : jump ${name}`));
  const body = [
    set("set known", "ipv4_addr", known),
    set("set self", "ipv4_addr . ipv4_addr", known.map((it) => `${it} . ${it}`)), // prettier-ignore
    ...keys.map((key) =>
      set(
        `set ${portSets.get(key) ?? ""}`,
        "ipv4_addr . inet_proto . inet_service",
        (namedPorts.get(key) ?? []).map(renderEndpoint),
        key,
      ),
    ),
    ...named.map(({ name, chain }) => renderChain(name, chain, portSets)),
    set("map egress", "ipv4_addr : verdict", verdicts("Egress")),
    set("map ingress", "ipv4_addr : verdict", verdicts("Ingress")),
    forwardChain(podCidr),
  ];
  return `table ${TABLE} {\n${body.join("\n")}\n}\n`;
}

/**
 * Every packet of the one who opened a connection is judged, so that a changed policy ends
 * connections that it forbids; only the answers pass unseen.
 */
function forwardChain(podCidr: string): string {
  return block("chain forward", [
    "type filter hook forward priority filter; policy accept;",
    "ct state related accept",
    "ct direction reply accept",
    'fib saddr . iif oif missing counter drop comment "a source address that is not the sender\'s"',
    `ip saddr ${podCidr} ip saddr != @known counter drop comment "a pod not known yet, or no more"`,
    `ip daddr ${podCidr} ip daddr != @known counter drop comment "a pod not known yet, or no more"`,
    // A pod that reaches itself through a Service.
    "ip saddr . ip daddr @self accept",
    "ip saddr vmap @egress",
    "ip daddr vmap @ingress",
  ]);
}

function renderChain(
  name: string,
  { direction, rules }: Chain,
  ports: ReadonlyMap<string, string>,
): string {
  const peer = direction === "Ingress" ? "ip saddr" : "ip daddr";
  return block(`chain ${name}`, [
    ...rules.map((rule) => renderRule(rule, peer, ports)),
    'counter drop comment "no policy admits it"',
  ]);
}

function renderRule(rule: Rule, peer: string, ports: ReadonlyMap<string, string>): string {
  const matches = [renderPeer(rule.peer, peer), renderPort(rule.port, ports)].filter(Boolean);
  const comment = `comment "${rule.policy.slice(0, COMMENT_LENGTH)}"`;
  return [...matches, "counter", "return", comment].join(" ");
}

function renderPeer(match: PeerMatch | undefined, field: string): string {
  switch (match?.kind) {
    case undefined:
      return "";
    case "addresses":
      return `${field} { ${match.addresses.join(", ")} }`;
    case "block":
      return [
        `${field} ${renderRange(match.block)}`,
        ...match.except.map((it) => `${field} != ${renderRange(it)}`),
      ].join(" ");
  }
}

function renderPort(match: PortMatch | undefined, ports: ReadonlyMap<string, string>): string {
  switch (match?.kind) {
    case undefined:
      return "";
    case "named":
      return `ip daddr . meta l4proto . th dport @${ports.get(match.key) ?? ""}`;
    case "range":
      return `${match.protocol.toLowerCase()} dport ${String(match.first)}-${String(match.last)}`;
  }
}

function renderRange({ first, last }: AddressRange): string {
  return `${formatAddress(first)}-${formatAddress(last)}`;
}

function renderEndpoint({ address, protocol, port }: Endpoint): string {
  return `${address} . ${protocol.toLowerCase()} . ${String(port)}`;
}

function chainName({ direction }: Chain, index: number): string {
  return `${direction.toLowerCase()}-${String(index + 1)}`;
}

function set(title: string, type: string, elements: readonly string[], comment?: string): string {
  return block(title, [
    `type ${type};`,
    ...(comment === undefined ? [] : [`comment "${comment}";`]),
    ...(elements.length === 0 ? [] : [`elements = { ${elements.join(", ")} };`]),
  ]);
}

function block(title: string, lines: readonly string[]): string {
  return `  ${title} {\n${lines.map((line) => `    ${line}`).join("\n")}\n  }`;
}
