import { isIPv4 } from "node:net";

import type { KubernetesObject } from "../runtime/api";
import type { ContainerPort, Namespace, NetworkPolicy, Pod, Protocol } from "./model";
import type { Labels } from "./selector";

interface ObjectWithLabels extends KubernetesObject {
  readonly metadata: KubernetesObject["metadata"] & { readonly labels?: Labels };
}

export type NamespaceObject = ObjectWithLabels;

/** What the API gives of a pod, as far as it matters here. */
export interface PodObject extends ObjectWithLabels {
  readonly spec?: {
    readonly hostNetwork?: boolean;
    readonly containers?: readonly Container[];
    readonly initContainers?: readonly Container[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly podIPs?: readonly { readonly ip: string }[];
  };
}

interface Container {
  readonly ports?: readonly {
    readonly name?: string;
    readonly containerPort: number;
    readonly protocol?: Protocol;
  }[];
}

/** A pod with the addresses that its status tells, and with its age. */
export interface ListedPod extends Pod {
  readonly created: string;
}

/** A network namespace that the CNI plugins have set up. */
export interface Sandbox {
  readonly podUid: string;
  readonly addresses: readonly string[];
}

/** @returns undefined: a pod without a network of its own, or without processes any more */
export function podOf({ metadata, spec, status }: PodObject): ListedPod | undefined {
  const { uid = "", name, namespace = "default", labels = {}, creationTimestamp = "" } = metadata;
  const ended = status?.phase === "Succeeded" || status?.phase === "Failed";
  if (spec?.hostNetwork === true || ended) {
    return undefined;
  }
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  const addresses = (status?.podIPs ?? []).map(({ ip }) => ip).filter((ip) => isIPv4(ip));
  const ports = containers.flatMap(portsOf);
  return { uid, namespace, name, labels, addresses, ports, created: creationTimestamp };
}

function portsOf({ ports = [] }: Container): ContainerPort[] {
  return ports.flatMap(({ name, containerPort: port, protocol = "TCP" }) =>
    name === undefined ? [] : [{ name, protocol, port }],
  );
}

export function namespaceOf({ metadata: { name, labels = {} } }: NamespaceObject): Namespace {
  return { name, labels };
}

/** Without the record of who set which field, which is larger than the rest. */
export function policyOf({
  metadata: { name, namespace = "default" },
  spec,
}: NetworkPolicy): NetworkPolicy {
  return { metadata: { name, namespace }, ...(spec === undefined ? {} : { spec }) };
}

/**
 * Gives each address to one pod. The CNI plugins know it first, before a process of the pod runs, and
 * know best: a status may tell an address that another pod has by now.
 *
 * @param sandboxes oldest first
 */
export function withAddresses(pods: readonly ListedPod[], sandboxes: readonly Sandbox[]): Pod[] {
  const owners = new Map<string, string>();
  const byAge = [...pods].sort((a, b) => (a.created < b.created ? -1 : 1));
  for (const { uid, addresses } of byAge) {
    addresses.forEach((address) => owners.set(address, uid));
  }
  for (const { podUid, addresses } of sandboxes) {
    addresses.forEach((address) => owners.set(address, podUid));
  }
  const owned = new Map<string, string[]>();
  for (const [address, uid] of owners) {
    owned.set(uid, [...(owned.get(uid) ?? []), address]);
  }
  return pods.map((pod) => ({ ...pod, addresses: owned.get(pod.uid) ?? [] }));
}
