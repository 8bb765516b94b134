import type { types } from "@pulumi/kubernetes";

import type { AddressRange } from "../../infra/cluster";
import { type Labels, selectorLabels } from "./labels";

type NetworkPolicySpec = types.input.networking.v1.NetworkPolicySpec;
type NetworkPolicyPeer = types.input.networking.v1.NetworkPolicyPeer;

/** A port of a workload that others may call, as `workload.endpoint("http")` gives it. */
export interface Endpoint {
  readonly namespace: string;
  /** Labels of the pods behind it. */
  readonly selector: Labels;
  /** Port of the pods, which is what a network policy sees. */
  readonly targetPort: number;
  /** By the Service's name: its pods may come and go. */
  readonly url: string;
}

/** Who may send requests: workloads of the same namespace by name, or the load balancer's callers. */
export type Callers = "loadBalancer" | readonly string[];

export interface TrafficArgs {
  readonly selector: Labels;
  readonly callers: Callers;
  /** Ports of the pods that callers reach. */
  readonly ports: readonly number[];
  /** What the ingress controller reaches; undefined: it leads nothing here. */
  readonly entry?: TrafficEntry | undefined;
  readonly reaches: readonly Endpoint[];
  /** What it calls outside of the cluster. */
  readonly outside: readonly AddressRange[];
}

export interface TrafficEntry {
  readonly port: number;
  /** Where the controller's requests come from; undefined: nobody knows. */
  readonly sources: readonly NetworkPolicyPeer[] | undefined;
}

/** The namespace denies all traffic; this admits what the workload takes and what it calls, by port. */
export function networkPolicy(args: TrafficArgs): NetworkPolicySpec {
  const { selector, reaches, outside } = args;
  const ingress = [...ingressRules(args), ...entryRules(args)];
  const called = [...reaches.map(egressRule), ...outside.map(outsideRule)];
  const egress = [...(called.length > 0 ? [toNameServer] : []), ...called];
  return {
    podSelector: { matchLabels: { ...selector } },
    policyTypes: ["Ingress", "Egress"],
    ...(ingress.length > 0 && { ingress }),
    ...(egress.length > 0 && { egress }),
  };
}

function ingressRules({ callers, ports }: TrafficArgs) {
  const to = { ports: ports.map(tcp) };
  // A load balancer hands on the addresses of its callers, which nobody knows.
  if (callers === "loadBalancer") return [to];
  if (callers.length === 0 || ports.length === 0) return [];
  const peer = (name: string) => ({ podSelector: { matchLabels: { ...selectorLabels(name) } } });
  return [{ from: callers.map(peer), ...to }];
}

function entryRules({ callers, entry }: TrafficArgs) {
  // A load balancer's callers are everybody already.
  if (entry === undefined || callers === "loadBalancer") return [];
  const { sources, port } = entry;
  return [{ ...(sources && { from: [...sources] }), ports: [tcp(port)] }];
}

function egressRule({ namespace, selector, targetPort }: Endpoint) {
  const pods = {
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
    podSelector: { matchLabels: { ...selector } },
  };
  return { to: [pods], ports: [tcp(targetPort)] };
}

function outsideRule({ cidr, except, port }: AddressRange) {
  return {
    to: [{ ipBlock: { cidr, ...(except && { except: [...except] }) } }],
    ports: [tcp(port)],
  };
}

/** At every port: the pods of name servers listen at another one in each cluster. */
const toNameServer = {
  to: [
    {
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } },
      podSelector: { matchLabels: { "k8s-app": "kube-dns" } },
    },
  ],
};

function tcp(port: number) {
  return { protocol: "TCP", port };
}
