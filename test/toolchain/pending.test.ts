import { describe, expect, it } from "vitest";

import { adoptCreates } from "../../toolchain/commands/pending";
import type { Deployment, ResourceState } from "../../toolchain/commands/pulumi";

const object = (name: string, more: Partial<ResourceState> = {}): ResourceState => ({
  urn: `urn:pulumi:dev::drydock::kubernetes:core/v1:ConfigMap::${name}`,
  type: "kubernetes:core/v1:ConfigMap",
  inputs: { kind: "ConfigMap", metadata: { name: `${name}-1a2b3c4d`, namespace: "web" } },
  ...more,
});
const deployment = (
  resources: ResourceState[],
  ...pending: [string, ResourceState][]
): Deployment => ({
  resources,
  pending_operations: pending.map(([type, resource]) => ({ type, resource })),
});

describe("a pending creation", () => {
  it("of an object is taken into the state under the name it was sent with", () => {
    const page = object("page");
    const adopted = adoptCreates(
      deployment([object("other", { id: "web/other" })], ["creating", page]),
    );
    expect(adopted.resources?.at(-1)).toEqual({ ...page, id: "web/page-1a2b3c4d" });
    expect(adopted.pending_operations).toEqual([]);
  });

  it("of a thing without a namespace has its name as id", () => {
    const space = object("space", { inputs: { metadata: { name: "space" } } });
    expect(adoptCreates(deployment([], ["creating", space])).resources?.[0]?.id).toBe("space");
  });

  it("that was half of a replacement leaves the old object to be deleted, after the new one", () => {
    const [old, now] = [object("page", { id: "web/page-old" }), object("page")];
    const user = object("user", { id: "web/user" });
    const { resources = [] } = adoptCreates(deployment([old, user], ["creating", now]));
    expect(resources.map(({ id, delete: going }) => [id, going])).toEqual([
      ["web/page-1a2b3c4d", undefined],
      ["web/user", undefined],
      ["web/page-old", true],
    ]);
  });

  it("after the old object was deleted stands in its place", () => {
    const old = object("page", { id: "web/page-old", pendingReplacement: true });
    const { resources = [] } = adoptCreates(deployment([old], ["creating", object("page")]));
    expect(resources.map(({ id }) => id)).toEqual(["web/page-1a2b3c4d"]);
  });

  it.each<[string, string, ResourceState]>([
    ["update", "updating", object("page", { id: "web/page" })],
    [
      "object whose name the server gives",
      "creating",
      object("page", { inputs: { metadata: { generateName: "p-" } } }),
    ],
    ["cluster", "creating", object("dev", { type: "drydock:local:Cluster" })],
  ])("is none for an %s", (_case, type, resource) => {
    const given = deployment([], [type, resource]);
    expect(adoptCreates(given)).toBe(given);
  });
});
