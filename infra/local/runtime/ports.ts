import { createServer } from "node:net";
import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { LocalClusterError } from "./errors";
import { readText } from "./process";
import { NAMESPACE_PORTS, type NetworkRecord, type Ports } from "./spec";

/** Below these lie the ports that other software is known by; above them node ports of Services. */
const LOWEST = 20_000;
const HIGHEST = 29_999;

/** Ports for the network: fixed ones in a namespace, free ones on the host's loopback. */
export async function choosePorts(network: NetworkRecord): Promise<Ports> {
  if (network.kind === "namespace") {
    return NAMESPACE_PORTS;
  }
  const names = Object.keys(NAMESPACE_PORTS);
  const servers: Listener[] = [];
  while (servers.length < names.length) {
    servers.push(await listenAnywhere());
  }
  await Promise.all(servers.map(({ close }) => close()));
  return Object.fromEntries(
    names.map((name, index) => [name, servers[index]?.port]),
  ) as unknown as Ports;
}

/**
 * Whether every port can be had. On the host's loopback another program may have taken one while
 * the cluster was stopped; a process that was just killed holds its ports a moment longer.
 */
export async function portsFree(network: NetworkRecord, ports: Ports): Promise<boolean> {
  if (network.kind === "namespace") {
    return true;
  }
  for (const wait of [50, 200, 500, 0]) {
    const servers = await Promise.allSettled(Object.values(ports).map((it: number) => listen(it)));
    const held = servers.flatMap((it) => (it.status === "fulfilled" ? [it.value] : []));
    await Promise.all(held.map(({ close }) => close()));
    if (held.length === servers.length) {
      return true;
    }
    await sleep(wait);
  }
  return false;
}

/** A port of an address that nothing listens on, and that no outgoing connection can take. */
export async function freePort(address = "127.0.0.1"): Promise<number> {
  const { port, close } = await listenAnywhere(address);
  await close();
  return port;
}

/** The first of `count` ports in a row of 127.0.0.1 that nothing listens on. */
export async function freePorts(count: number): Promise<number> {
  for (let attempt = 0; ; attempt += 1) {
    const first = randomInt(
      LOWEST,
      Math.max(LOWEST + 1_000, Math.min(HIGHEST, ephemeralStart())) - count,
    );
    const row = Array.from({ length: count }, (_, index) => listen(first + index));
    const results = await Promise.allSettled(row);
    const held = results.flatMap((it) => (it.status === "fulfilled" ? [it.value] : []));
    await Promise.all(held.map(({ close }) => close()));
    if (held.length === count) {
      return first;
    }
    if (attempt === 50) {
      throw new LocalClusterError(`no ${String(count)} free ports in a row are left on 127.0.0.1`);
    }
  }
}

interface Listener {
  readonly port: number;
  readonly close: () => Promise<void>;
}

/**
 * Listens on a port that the kernel gives to no outgoing connection. One from the ephemeral range
 * can be taken by any connection of this machine while a component restarts, which then finds its
 * address in use, and stays down.
 */
async function listenAnywhere(address?: string): Promise<Listener> {
  const end = Math.max(LOWEST + 1_000, Math.min(HIGHEST, ephemeralStart()));
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await listen(randomInt(LOWEST, end), address);
    } catch (error) {
      if (attempt === 50) {
        throw error;
      }
    }
  }
}

/** First port that the kernel gives to outgoing connections; 32768 by default. */
function ephemeralStart(): number {
  const range = readText("/proc/sys/net/ipv4/ip_local_port_range");
  return range === undefined ? HIGHEST : Number.parseInt(range, 10);
}

function listen(wanted: number, address = "127.0.0.1"): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(wanted, address, () => {
      resolve({
        port: wanted,
        close: () => new Promise((closed) => server.close(() => closed())),
      });
    });
  });
}
