import { mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { formatAddress, parseAddress, parseCidr } from "../../../infra/local/network-policy/cidr";
import {
  type ListedPod,
  podOf,
  type PodObject,
  withAddresses,
} from "../../../infra/local/network-policy/objects";
import { cniResults, Sandboxes } from "../../../infra/local/network-policy/sandboxes";
import { temporaryFolder } from "../../toolchain/support";

const object = (changes: Partial<PodObject>): PodObject => ({
  metadata: { name: "web", namespace: "shop", uid: "u1", labels: { app: "web" } },
  ...changes,
});

describe("a pod as the API gives it", () => {
  it("has its IPv4 addresses and the named ports of all its containers", () => {
    const ports = (name: string | undefined, containerPort: number) => ({
      ports: [{ ...(name === undefined ? {} : { name }), containerPort }],
    });
    const pod = podOf(
      object({
        spec: {
          initContainers: [ports("sidecar", 15_000)],
          containers: [ports("http", 8080), ports(undefined, 9)],
        },
        status: { phase: "Running", podIPs: [{ ip: "10.244.0.7" }, { ip: "fd00::7" }] },
      }),
    );
    expect(pod).toMatchObject({
      addresses: ["10.244.0.7"],
      ports: [
        { name: "sidecar", protocol: "TCP", port: 15_000 },
        { name: "http", protocol: "TCP", port: 8080 },
      ],
    });
  });

  it.each([
    ["on the node's own network", object({ spec: { hostNetwork: true } })],
    ["that has succeeded", object({ status: { phase: "Succeeded" } })],
    ["that has failed", object({ status: { phase: "Failed" } })],
  ])("%s is none that a policy is for", (_, pod) => {
    expect(podOf(pod)).toBeUndefined();
  });

  it("stays one while it terminates: its processes still have traffic", () => {
    const terminating = object({ status: { phase: "Running" } });
    Object.assign(terminating.metadata, { deletionTimestamp: "2026-01-01T00:00:00Z" });
    expect(podOf(terminating)).toBeDefined();
  });
});

describe("the pod that has an address", () => {
  const pod = (uid: string, created: string, ...addresses: string[]): ListedPod => ({
    ...{ uid, namespace: "n", name: uid, labels: {}, ports: [], created, addresses },
  });
  const owners = (...args: Parameters<typeof withAddresses>): Record<string, readonly string[]> =>
    Object.fromEntries(withAddresses(...args).map(({ uid, addresses }) => [uid, addresses]));

  it("is known by the CNI plugins before its status tells it", () => {
    expect(owners([pod("new", "1")], [{ podUid: "new", addresses: ["10.244.0.9"] }])).toEqual({
      new: ["10.244.0.9"],
    });
  });

  it("is the one that got it last, where a status is out of date", () => {
    const pods = [pod("old", "1", "10.244.0.9"), pod("new", "2")];
    const sandboxes = [
      { podUid: "old", addresses: ["10.244.0.9"] },
      { podUid: "new", addresses: ["10.244.0.9"] },
    ];
    expect(owners(pods, sandboxes)).toEqual({ old: [], new: ["10.244.0.9"] });
    const young = [pod("new", "2", "10.244.0.9"), pod("old", "1", "10.244.0.9")];
    expect(owners(young, [])).toEqual({ old: [], new: ["10.244.0.9"] });
  });

  it("is nobody where the pod is not known: another must not get its rights", () => {
    const sandboxes = [{ podUid: "unknown", addresses: ["10.244.0.9"] }];
    expect(owners([pod("known", "1", "10.244.0.9")], sandboxes)).toEqual({ known: [] });
  });
});

describe("the notes of the CNI library", () => {
  it("give each sandbox's pod, oldest first, and are read again when they are whole", () => {
    const node = temporaryFolder();
    const folder = cniResults({ node });
    const sandboxes = new Sandboxes(folder);
    expect(sandboxes.read()).toEqual([]);
    mkdirSync(folder, { recursive: true });
    const write = (file: string, text: string, seconds: number): void => {
      writeFileSync(join(folder, file), text);
      utimesSync(join(folder, file), seconds, seconds);
    };
    const note = (uid: string, address: string): string =>
      JSON.stringify({
        cniArgs: [
          ["IgnoreUnknown", "1"],
          ["K8S_POD_UID", uid],
        ],
        result: { ips: [{ address }] },
      });
    write("net-b-eth0", note("late", "10.244.0.3/24"), 200);
    write("net-c-eth0", note("early", "10.244.0.2/24"), 100);
    write("net-d-eth0", note("half", "10.244.0.4/24").slice(0, 30), 300);
    write("cni-loopback-b-lo", note("late", "127.0.0.1/8"), 100);
    const found = (): string[] =>
      sandboxes
        .read()
        .filter(({ addresses }) => addresses.length > 0)
        .map(({ podUid, addresses }) => `${podUid} ${addresses.join()}`);
    expect(found()).toEqual(["early 10.244.0.2", "late 10.244.0.3"]);
    write("net-d-eth0", note("half", "10.244.0.4/24"), 300);
    rmSync(join(folder, "net-c-eth0"));
    expect(found()).toEqual(["late 10.244.0.3", "half 10.244.0.4"]);
  });
});

describe("ranges of addresses", () => {
  it.each([
    ["10.0.0.0/8", "10.0.0.0", "10.255.255.255"],
    ["10.1.2.3/16", "10.1.0.0", "10.1.255.255"],
    ["0.0.0.0/0", "0.0.0.0", "255.255.255.255"],
    ["255.255.255.255/32", "255.255.255.255", "255.255.255.255"],
    ["010.0.0.8/29", "10.0.0.8", "10.0.0.15"],
  ])("%s is %s to %s", (cidr, first, last) => {
    const range = parseCidr(cidr);
    expect(range && [formatAddress(range.first), formatAddress(range.last)]).toEqual([first, last]);
  });

  it.each([
    "",
    "10.0.0.0",
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "10.0.0/8",
    "fd00::/8",
    "a/8",
    "1.2.3.4/8/8",
  ])("%j is none", (cidr) => expect(parseCidr(cidr)).toBeUndefined());

  it("takes no address for one that it is not", () => {
    expect(parseAddress("1.2.3.256")).toBeUndefined();
  });
});
