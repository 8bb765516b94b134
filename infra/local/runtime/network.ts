import { createHash } from "node:crypto";
import { existsSync } from "node:fs";

import { execa, execaSync } from "execa";

import { LocalClusterError } from "./errors";
import { inNetwork, run } from "./process";
import type { NetworkRecord } from "./spec";

type NamespaceRecord = Extract<NetworkRecord, { kind: "namespace" }>;

/** Links of all clusters lie here, each a /30 of its own: 16,384 of them. */
const LINK_NETWORK = "10.213";
const LINK_COUNT = 64 * 256;

export function namespaceName(cluster: string): string {
  return `drydock-${cluster}`;
}

/** The host's end of the link. A name ends at 15 characters, hence a hash and not the cluster's name. */
export function interfaceName(cluster: string): string {
  return `dd-${nameHash(cluster).toString("hex").slice(0, 8)}`;
}

function nameHash(cluster: string): Buffer {
  return createHash("sha256").update(cluster).digest();
}

/** Picks the names and a free /30 for the cluster's link to the host; makes nothing. */
export async function planNamespace(cluster: string): Promise<NamespaceRecord> {
  const start = nameHash(cluster).readUInt16BE(0);
  const used = await usedAddresses();
  for (let offset = 0; offset < LINK_COUNT; offset += 1) {
    const link = linkAddresses((start + offset) % LINK_COUNT);
    if (!used.has(link.hostAddress)) {
      const names = { namespace: namespaceName(cluster), hostInterface: interfaceName(cluster) };
      return { kind: "namespace", ...names, ...link };
    }
  }
  throw new LocalClusterError(`no free /30 network is left in ${LINK_NETWORK}.0.0/16`);
}

/** The two usable addresses of the /30 with the given index. */
export function linkAddresses(index: number): { hostAddress: string; address: string } {
  const base = index * 4;
  const prefix = `${LINK_NETWORK}.${String(base >> 8)}.`;
  return {
    hostAddress: prefix + String((base & 255) + 1),
    address: prefix + String((base & 255) + 2),
  };
}

async function usedAddresses(): Promise<Set<string>> {
  const text = await run("listing network addresses", { file: "ip", args: ["-json", "address"] });
  const interfaces = JSON.parse(text) as { addr_info: { local?: string }[] }[];
  return new Set(interfaces.flatMap((item) => item.addr_info.map((info) => info.local ?? "")));
}

/**
 * Makes the namespace and its link, or completes what an interrupted run left.
 *
 * @param holder a process in the namespace, where only the name of it was removed: it gets it back
 */
export async function createNamespace(network: NamespaceRecord, holder?: number): Promise<void> {
  const { namespace, hostInterface, hostAddress, address } = network;
  const host = (...args: string[]): Promise<string> =>
    run("setting up the cluster's network", { file: "ip", args });
  const inside = (...args: string[]): Promise<string> =>
    run("setting up the cluster's network", inNetwork(network, { file: "ip", args }));

  if (!existsSync(`/run/netns/${namespace}`)) {
    await (holder === undefined
      ? host("netns", "add", namespace)
      : host("netns", "attach", namespace, String(holder)));
  }
  if (!(await hasLink(network))) {
    // The kernel takes a while to remove what belonged to a namespace that has gone: it may still have the name.
    await removeLink(hostInterface);
    await host(
      "link",
      "add",
      hostInterface,
      "type",
      "veth",
      "peer",
      "name",
      "eth0",
      "netns",
      namespace,
    );
  }
  await host("address", "replace", `${hostAddress}/30`, "dev", hostInterface);
  await host("link", "set", hostInterface, "up");
  await inside("link", "set", "lo", "up");
  await inside("address", "replace", `${address}/30`, "dev", "eth0");
  await inside("link", "set", "eth0", "up");
  // kube-apiserver ends with "no default routes found" in a namespace that has none.
  await inside("route", "replace", "default", "via", hostAddress);
  const forward = { file: "sysctl", args: ["-q", "-w", "net.ipv4.ip_forward=1"] };
  await run("setting up the cluster's network", inNetwork(network, forward));
}

/** Whether both ends are there: what is left of an earlier namespace has no end in this one. */
async function hasLink(network: NamespaceRecord): Promise<boolean> {
  if (!existsSync(`/sys/class/net/${network.hostInterface}`)) {
    return false;
  }
  const { file, args } = inNetwork(network, { file: "ip", args: ["link", "show", "eth0"] });
  return (await execa(file, args, { reject: false })).exitCode === 0;
}

async function removeLink(hostInterface: string): Promise<void> {
  await execa("ip", ["link", "delete", hostInterface], { reject: false });
}

export function namespaceExists(network: NetworkRecord): boolean {
  return network.kind === "loopback" || existsSync(`/run/netns/${network.namespace}`);
}

/** Pids of the processes in the namespace; those of pods have one of their own. */
export function namespacePids(namespace: string): number[] {
  const { stdout } = execaSync("ip", ["netns", "pids", namespace], { reject: false });
  return stdout.split("\n").filter(Boolean).map(Number);
}

/** Removes the namespace with every rule, route and interface in it; its processes have ended. */
export async function deleteNamespace(namespace: string, hostInterface: string): Promise<void> {
  if (existsSync(`/run/netns/${namespace}`)) {
    await run("removing the cluster's network", {
      file: "ip",
      args: ["netns", "delete", namespace],
    });
  }
  // The kernel removes the pair with the namespace, a moment later; be sure.
  if (existsSync(`/sys/class/net/${hostInterface}`)) {
    await removeLink(hostInterface);
  }
}
