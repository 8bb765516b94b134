import { describe, expect, it } from "vitest";

import { clusterResource } from "../../infra/existing/provider/cluster";

const here = {
  uid: "11111111-0000-4000-8000-000000000000",
  context: "kind-dev",
  server: "https://127.0.0.1:6443",
  version: "1.36.1",
};
const there = { ...here, uid: "22222222-0000-4000-8000-000000000000", context: "prod" };
const urn = "urn:pulumi:test::drydock::drydock:existing:Cluster::cluster-existing";
const request = { urn, type: "drydock:existing:Cluster", name: "cluster-existing" };

const failures = async (olds: typeof here | object, news: typeof here & { identity?: string }) => {
  const check = { ...request, olds: { ...olds }, news, randomSeed: new Uint8Array() };
  return (await clusterResource.check(check)).failures.map(({ reason }) => reason);
};

describe("the cluster that a stack is bound to", () => {
  it("is the first one it is deployed to, whatever its address becomes", async () => {
    expect(await failures({}, here)).toEqual([]);
    expect(await failures(here, { ...here, server: "https://10.0.0.1:6443" })).toEqual([]);
  });

  it("is not silently another one", async () => {
    const [reason, ...others] = await failures(here, there);
    expect(others).toEqual([]);
    expect(reason).toContain(
      `its namespace kube-system has the UID ${there.uid}; the stack's cluster (context kind-dev, server https://127.0.0.1:6443) has ${here.uid}`,
    );
    expect(reason).toContain(`set drydock:cluster.identity to ${there.uid}`);
  });

  it("is another one by the user's word, and then every object is replaced", async () => {
    const news = { ...there, identity: there.uid };
    expect(await failures(here, news)).toEqual([]);
    expect(await failures(here, { ...there, identity: here.uid })).toHaveLength(1);
    const diff = await clusterResource.diff({
      ...request,
      id: here.uid,
      oldInputs: here,
      oldOutputs: here,
      news,
      ignoreChanges: [],
    });
    expect(diff.changes).toBe("some");
    expect(diff.detailedDiff.uid?.kind).toBe("update-replace");
  });

  it("changes in place where only the way to it or its version does", async () => {
    const news = { ...here, version: "1.37.0", context: "renamed" };
    const diff = await clusterResource.diff({
      ...request,
      id: here.uid,
      oldInputs: here,
      oldOutputs: here,
      news,
      ignoreChanges: [],
    });
    expect(Object.entries(diff.detailedDiff).map(([key, { kind }]) => [key, kind])).toEqual([
      ["context", "update"],
      ["version", "update"],
    ]);
  });
});
