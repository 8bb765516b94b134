import { BlockList } from "node:net";

import { compile, type PortMatch, type Rule, type Ruleset } from "../../../infra/local/network-policy/compile"; // prettier-ignore
import { parseAddress } from "../../../infra/local/network-policy/cidr";
import type {
  Direction,
  NetworkPolicy,
  NetworkState,
  Peer,
  Pod,
  PolicyPort,
  Protocol,
} from "../../../infra/local/network-policy/model";
import type { LabelSelector, Labels } from "../../../infra/local/network-policy/selector";

/** What opens a connection. An address that no pod has is outside of the cluster. */
export interface Packet {
  readonly from: string;
  readonly to: string;
  /** ICMP has no port: it passes where no port is asked for. */
  readonly protocol: Protocol | "ICMP";
  readonly port: number;
}

/**
 * Whether the policies admit a packet, word for word by the page "Network Policies" of Kubernetes'
 * documentation and by the API reference: nothing of how rules are made is used here.
 */
export function isAdmitted(state: NetworkState, packet: Packet): boolean {
  const podAt = (address: string): Pod | undefined =>
    state.pods.find(({ addresses }) => addresses.includes(address));
  const [source, destination] = [podAt(packet.from), podAt(packet.to)];
  // "A Pod cannot block access to itself."
  if (source !== undefined && source === destination) return true;
  const admits = (pod: Pod | undefined, direction: Direction): boolean => {
    const policies = state.policies.filter(
      (policy) => pod !== undefined && isFor(policy, pod) && typesOf(policy).includes(direction),
    );
    const peer = direction === "Ingress" ? packet.from : packet.to;
    return (
      policies.length === 0 ||
      policies.some((policy) =>
        rulesOf(policy, direction).some(
          ({ peers, ports }) =>
            (peers.length === 0 || peers.some((it) => isPeer(state, policy, it, peer))) &&
            (ports.length === 0 || ports.some((it) => isPort(it, packet, destination))),
        ),
      )
    );
  };
  return admits(source, "Egress") && admits(destination, "Ingress");
}

function isFor({ metadata, spec }: NetworkPolicy, pod: Pod): boolean {
  return metadata.namespace === pod.namespace && fits(spec?.podSelector ?? {}, pod.labels);
}

function typesOf({ spec }: NetworkPolicy): readonly Direction[] {
  const egress = (spec?.egress ?? []).length > 0;
  return spec?.policyTypes ?? ["Ingress", ...(egress ? (["Egress"] as const) : [])];
}

function rulesOf(
  { spec }: NetworkPolicy,
  direction: Direction,
): { peers: readonly Peer[]; ports: readonly PolicyPort[] }[] {
  return direction === "Ingress"
    ? (spec?.ingress ?? []).map(({ from = [], ports = [] }) => ({ peers: from, ports }))
    : (spec?.egress ?? []).map(({ to = [], ports = [] }) => ({ peers: to, ports }));
}

function isPeer(state: NetworkState, policy: NetworkPolicy, peer: Peer, address: string): boolean {
  if (peer.ipBlock !== undefined) {
    const { cidr, except = [] } = peer.ipBlock;
    return within(cidr, address) && !except.some((it) => within(it, address));
  }
  const pod = state.pods.find(({ addresses }) => addresses.includes(address));
  if (pod === undefined) return false;
  const labels = state.namespaces.find(({ name }) => name === pod.namespace)?.labels;
  const inNamespace =
    peer.namespaceSelector === undefined
      ? pod.namespace === policy.metadata.namespace
      : labels !== undefined && fits(peer.namespaceSelector, labels);
  return inNamespace && fits(peer.podSelector ?? {}, pod.labels);
}

function isPort(
  { protocol = "TCP", port, endPort }: PolicyPort,
  packet: Packet,
  destination: Pod | undefined,
): boolean {
  if (protocol !== packet.protocol) return false;
  if (port === undefined) return true;
  if (typeof port === "number") return packet.port >= port && packet.port <= (endPort ?? port);
  return (destination?.ports ?? []).some(
    (it) => it.name === port && it.protocol === protocol && it.port === packet.port,
  );
}

function within(cidr: string, address: string): boolean {
  if (cidr.includes(":")) return false;
  const [network = "", length = "32"] = cidr.split("/");
  const list = new BlockList();
  list.addSubnet(network, Number(length), "ipv4");
  return list.check(address);
}

function fits({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: Labels): boolean {
  for (const key of Object.keys(matchLabels)) {
    if (labels[key] !== matchLabels[key]) return false;
  }
  for (const { key, operator, values = [] } of matchExpressions) {
    const has = key in labels;
    const listed = has && values.includes(labels[key] ?? "");
    const results: Record<string, boolean> = {
      In: listed,
      NotIn: !listed,
      Exists: has,
      DoesNotExist: !has,
    };
    if (results[operator] !== true) return false;
  }
  return true;
}

/** Whether the rules let a packet pass, read as {@link Ruleset} says they are to be read. */
export function passes(state: NetworkState, packet: Packet): boolean {
  const ruleset = compile(state);
  const through = (direction: Direction, own: string, peer: string): boolean => {
    const chains = ruleset.chains.filter(
      (it) => it.direction === direction && it.addresses.includes(own),
    );
    if (chains.length > 1) throw new Error(`${own} has ${String(chains.length)} chains`);
    return chains.every(({ rules }) => rules.some((rule) => fitsRule(ruleset, rule, peer, packet)));
  };
  const self = packet.from === packet.to && ruleset.known.includes(packet.from);
  const { from, to } = packet;
  return self || (through("Egress", from, to) && through("Ingress", to, from));
}

function fitsRule(ruleset: Ruleset, rule: Rule, peer: string, packet: Packet): boolean {
  const inside = ({ first, last }: { first: number; last: number }): boolean => {
    const number = parseAddress(peer) ?? -1;
    return number >= first && number <= last;
  };
  const { peer: match, port } = rule;
  if (match?.kind === "addresses" && !match.addresses.includes(peer)) return false;
  if (match?.kind === "block" && (!inside(match.block) || match.except.some(inside))) return false;
  return port === undefined || fitsPort(ruleset, port, packet);
}

function fitsPort(ruleset: Ruleset, match: PortMatch, { to, protocol, port }: Packet): boolean {
  if (match.kind === "range") {
    return protocol === match.protocol && port >= match.first && port <= match.last;
  }
  return (ruleset.namedPorts.get(match.key) ?? []).some(
    (it) => it.address === to && it.protocol === protocol && it.port === port,
  );
}
