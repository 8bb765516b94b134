import { parseCidr, type AddressRange } from "./cidr";
import type {
  Direction,
  NetworkPolicy,
  NetworkState,
  Peer,
  Pod,
  PolicyPort,
  Protocol,
} from "./model";
import { type LabelSelector, selects } from "./selector";

/**
 * What a node's packet filter must do, in its own terms. A packet that opens or continues a
 * connection must pass the chain of its source, if it has one, and that of its destination; replies
 * pass.
 */
export interface Ruleset {
  /** Addresses of the pods that are known. Of the pod network nothing else has any traffic. */
  readonly known: readonly string[];
  readonly chains: readonly Chain[];
  /** Where a port of a name is, by its key in {@link PortMatch}. */
  readonly namedPorts: ReadonlyMap<string, readonly Endpoint[]>;
}

/** For pods that the same policies isolate in one direction: what no rule admits is dropped. */
export interface Chain {
  readonly direction: Direction;
  readonly addresses: readonly string[];
  readonly rules: readonly Rule[];
}

export interface Rule {
  /** The policy, as namespace/name. */
  readonly policy: string;
  /** undefined: every peer. */
  readonly peer: PeerMatch | undefined;
  /** undefined: every port and protocol, ICMP too. */
  readonly port: PortMatch | undefined;
}

/** The source of a packet inwards, the destination of one outwards. */
export type PeerMatch =
  | { readonly kind: "addresses"; readonly addresses: readonly string[] }
  | { readonly kind: "block"; readonly block: AddressRange; readonly except: AddressRange[] };

/** Always the destination's port. */
export type PortMatch =
  | { readonly kind: "range"; readonly protocol: Protocol; readonly first: number; readonly last: number } // prettier-ignore
  | { readonly kind: "named"; readonly key: string };

export interface Endpoint {
  readonly address: string;
  readonly protocol: Protocol;
  readonly port: number;
}

interface IsolatedPod {
  readonly pod: Pod;
  readonly policies: readonly NetworkPolicy[];
}

/**
 * The rules by which the policies' meaning holds, as kubernetes.io/docs/concepts/services-networking/
 * network-policies defines it. The same state in another order gives the same rules.
 */
export function compile(state: NetworkState): Ruleset {
  const compilation = new Compilation(state);
  const chains = [...compilation.chains("Egress"), ...compilation.chains("Ingress")];
  return { known: sorted(addressesOf(state.pods)), chains, namedPorts: compilation.namedPorts };
}

class Compilation {
  readonly namedPorts = new Map<string, readonly Endpoint[]>();
  private readonly policies: readonly NetworkPolicy[];
  /** What a peer selects is asked for again and again. */
  private readonly selected = new Map<string, readonly string[]>();

  constructor(private readonly state: NetworkState) {
    this.policies = [...state.policies].sort((a, b) => compare(keyOf(a), keyOf(b)));
  }

  /** One chain for all pods with the same policies. */
  chains(direction: Direction): Chain[] {
    const groups = new Map<string, IsolatedPod[]>();
    for (const pod of this.state.pods) {
      const policies = this.policies.filter((policy) => isolates(policy, pod, direction));
      const key = policies.map(keyOf).join(" ");
      if (policies.length > 0 && pod.addresses.length > 0) {
        groups.set(key, [...(groups.get(key) ?? []), { pod, policies }]);
      }
    }
    return [...groups]
      .sort(([a], [b]) => compare(a, b))
      .map(([, isolated]) => ({
        direction,
        addresses: sorted(addressesOf(isolated.map(({ pod }) => pod))),
        rules: (isolated[0]?.policies ?? []).flatMap((policy) => this.rulesOf(policy, direction)),
      }));
  }

  private rulesOf(policy: NetworkPolicy, direction: Direction): Rule[] {
    const { ingress = [], egress = [] } = policy.spec ?? {};
    const rules =
      direction === "Ingress"
        ? ingress.map(({ from, ports }) => ({ peers: from, ports }))
        : egress.map(({ to, ports }) => ({ peers: to, ports }));
    return rules.flatMap(({ peers = [], ports = [] }) => {
      const peerMatches = peers.length === 0 ? [undefined] : this.peersOf(policy, peers);
      const portMatches = ports.length === 0 ? [undefined] : ports.map((it) => this.portOf(it));
      return peerMatches.flatMap((peer) =>
        portMatches.map((port) => ({ policy: keyOf(policy), peer, port })),
      );
    });
  }

  /** Pods of all selectors together, then each block. What nothing fits is left out. */
  private peersOf(policy: NetworkPolicy, peers: readonly Peer[]): PeerMatch[] {
    const selected = peers
      .filter(({ ipBlock }) => ipBlock === undefined)
      .flatMap((peer) => this.addressesOf(policy, peer));
    const addresses = sorted(selected);
    const blocks = peers.flatMap(({ ipBlock }) => (ipBlock === undefined ? [] : blockOf(ipBlock)));
    return addresses.length === 0 ? blocks : [{ kind: "addresses", addresses }, ...blocks];
  }

  private addressesOf(policy: NetworkPolicy, peer: Peer): readonly string[] {
    const own = namespaceOf(policy);
    const { podSelector = {}, namespaceSelector } = peer;
    const scope = namespaceSelector ?? own;
    const key = JSON.stringify([scope, podSelector]);
    const known = this.selected.get(key);
    if (known !== undefined) {
      return known;
    }
    const namespaces = new Set(
      namespaceSelector === undefined ? [own] : this.namespaces(namespaceSelector),
    );
    const pods = this.state.pods.filter(
      ({ namespace, labels }) => namespaces.has(namespace) && selects(podSelector, labels),
    );
    const addresses = addressesOf(pods);
    this.selected.set(key, addresses);
    return addresses;
  }

  private namespaces(selector: LabelSelector): string[] {
    return this.state.namespaces
      .filter(({ labels }) => selects(selector, labels))
      .map(({ name }) => name);
  }

  private portOf({ protocol = "TCP", port, endPort }: PolicyPort): PortMatch {
    if (typeof port === "string") {
      return { kind: "named", key: this.namedPort(port, protocol) };
    }
    const [first, last] = port === undefined ? [0, 65_535] : [port, endPort ?? port];
    return { kind: "range", protocol, first, last };
  }

  /** The pods' own numbers of that name: they may differ from pod to pod. */
  private namedPort(name: string, protocol: Protocol): string {
    const key = `${protocol.toLowerCase()}-${name}`;
    if (!this.namedPorts.has(key)) {
      const endpoints = this.state.pods.flatMap(({ addresses, ports }) =>
        ports
          .filter((port) => port.name === name && port.protocol === protocol)
          .flatMap(({ port }) => addresses.map((address) => ({ address, protocol, port }))),
      );
      const id = (it: Endpoint): string => `${it.address} ${String(it.port)}`;
      const unique = new Map(endpoints.map((it) => [id(it), it]));
      this.namedPorts.set(
        key,
        [...unique.values()].sort((a, b) => compare(id(a), id(b))),
      );
    }
    return key;
  }
}

function isolates(policy: NetworkPolicy, pod: Pod, direction: Direction): boolean {
  const { podSelector = {}, policyTypes, egress = [] } = policy.spec ?? {};
  const types = policyTypes ?? (egress.length > 0 ? ["Ingress", "Egress"] : ["Ingress"]);
  return (
    types.includes(direction) &&
    namespaceOf(policy) === pod.namespace &&
    selects(podSelector, pod.labels)
  );
}

/** A block that cannot be read admits nothing, and nothing an exception that cannot be. */
function blockOf({ cidr, except = [] }: NonNullable<Peer["ipBlock"]>): PeerMatch[] {
  const block = parseCidr(cidr);
  const exceptions = except.map(parseCidr);
  const read = exceptions.filter((it) => it !== undefined);
  return block === undefined || read.length < exceptions.length
    ? []
    : [{ kind: "block", block, except: read }];
}

function namespaceOf({ metadata }: NetworkPolicy): string {
  return metadata.namespace ?? "default";
}

function keyOf(policy: NetworkPolicy): string {
  return `${namespaceOf(policy)}/${policy.metadata.name}`;
}

function addressesOf(pods: readonly Pod[]): string[] {
  return pods.flatMap(({ addresses }) => addresses);
}

function sorted(addresses: readonly string[]): string[] {
  return [...new Set(addresses)].sort();
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
