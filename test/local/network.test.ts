import { readFileSync } from "node:fs";

import * as fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";

import { interfaceName, linkAddresses, namespaceName } from "../../infra/local/runtime/network";
import { choosePorts, portsFree } from "../../infra/local/runtime/ports";
import { NAMESPACE_PORTS, type NetworkRecord } from "../../infra/local/runtime/spec";
import { occupy, stopServer } from "./support/services";

const LOOPBACK = { kind: "loopback", address: "127.0.0.1" } as const;
const NAMESPACE: NetworkRecord = {
  kind: "namespace",
  namespace: "drydock-some",
  hostInterface: "dd-00000000",
  hostAddress: "10.213.0.1",
  address: "10.213.0.2",
};

const LINKS = 16_384;
const index = fc.integer({ min: 0, max: LINKS - 1 });

function number(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

describe("the addresses of a cluster's link", () => {
  it("are the two usable ones of a /30 within 10.213.0.0/16", () => {
    fc.assert(
      fc.property(index, (it) => {
        const { hostAddress, address } = linkAddresses(it);
        expect(number(hostAddress) % 4).toBe(1);
        expect(number(address)).toBe(number(hostAddress) + 1);
        expect(number(hostAddress) >>> 16).toBe(number("10.213.0.0") >>> 16);
      }),
    );
  });

  it("are different for every link", () => {
    const all = Array.from({ length: LINKS }, (_, it) => linkAddresses(it));
    const addresses = all.flatMap(({ hostAddress, address }) => [hostAddress, address]);
    expect(new Set(addresses).size).toBe(2 * LINKS);
  });
});

describe("the names of a cluster's network", () => {
  const cluster = fc.stringMatching(/^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/);

  it("fit into what the kernel takes: 15 characters for an interface", () => {
    fc.assert(
      fc.property(cluster, (name) => {
        expect(interfaceName(name)).toMatch(/^dd-[0-9a-f]{8}$/);
        expect(namespaceName(name)).toBe(`drydock-${name}`);
      }),
    );
  });

  it("are the same whenever they are asked for, and differ from one cluster to the next", () => {
    expect(interfaceName("dev")).toBe(interfaceName("dev"));
    expect(interfaceName("dev")).not.toBe(interfaceName("dev2"));
  });
});

describe("the ports of the control plane", () => {
  it("are the usual ones in a namespace of the cluster's own", async () => {
    expect(await choosePorts(NAMESPACE)).toEqual(NAMESPACE_PORTS);
    expect(await portsFree(NAMESPACE, NAMESPACE_PORTS)).toBe(true);
  });

  it("are distinct free ones on the host's loopback", async () => {
    const ports = await choosePorts(LOOPBACK);
    expect(Object.keys(ports)).toEqual(Object.keys(NAMESPACE_PORTS));
    expect(new Set(Object.values(ports)).size).toBe(Object.keys(NAMESPACE_PORTS).length);
    expect(await portsFree(LOOPBACK, ports)).toBe(true);
  });

  it("are none that the kernel gives to an outgoing connection", async () => {
    const range = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8");
    const [first = 0, last = 0] = range.split("\t").map(Number);
    const ports = Object.values(await choosePorts(LOOPBACK)) as number[];
    expect(ports.filter((port) => port >= first && port <= last)).toEqual([]);
  });

  it("are not free when another program has taken one", async () => {
    const ports = await choosePorts(LOOPBACK);
    const server = await occupy("127.0.0.1", ports.etcd);
    onTestFinished(() => stopServer(server));
    expect(await portsFree(LOOPBACK, ports)).toBe(false);
  });
});
