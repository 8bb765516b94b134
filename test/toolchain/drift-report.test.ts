import { describe, expect, it } from "vitest";

import { driftOf, type Preview } from "../../toolchain/commands/drift-report";

const urn = "urn:pulumi:dev::drydock::kubernetes:apps/v1:Deployment::web";
const refresh = (inputs: object, outputs: object = {}) => ({
  op: "refresh",
  urn,
  oldState: { inputs, outputs },
});
const update = (live: object, wanted: object, ...paths: string[]) => ({
  op: "update",
  urn,
  oldState: live,
  newState: { inputs: wanted },
  detailedDiff: Object.fromEntries(paths.map((path) => [path, {}])),
});
const judge = (...steps: unknown[]) => driftOf({ steps } as Preview);

describe("a difference", () => {
  it("in what the program has changed since is no drift", () => {
    const steps = [
      refresh({ spec: { replicas: 2 } }),
      update({ inputs: { spec: { replicas: 2 } } }, { spec: { replicas: 3 } }, "spec.replicas"),
    ];
    expect(judge(...steps)).toMatchObject({ resources: [], unapplied: 1 });
  });

  it("is shown by the fields that moved, and not by those the program changed beside them", () => {
    const [before, live] = [
      { a: 1, b: 1 },
      { a: 1, b: 5 },
    ];
    const { resources } = judge(
      refresh(before),
      update({ inputs: live }, { a: 2, b: 1 }, "a", "b"),
    );
    expect(resources).toMatchObject([
      { name: "web", what: "changed", fields: [{ path: "b", declared: "1", found: "5" }] },
    ]);
  });

  it.each([
    ["declared", { data: "[secret]" }, { data: { key: "clear" } }],
    ["found", { data: { key: "clear" } }, { data: "[secret]" }],
  ])("behind a secret that is %s shows neither side", (_side, wanted, live) => {
    const drift = judge(
      refresh(wanted, { version: 1 }),
      update({ inputs: live, outputs: { version: 2 } }, wanted, "data.key"),
    );
    expect(drift.resources[0]?.fields).toEqual([
      { path: "data.key", declared: "[secret]", found: "[secret]" },
    ]);
    expect(JSON.stringify(drift)).not.toContain("clear");
  });

  it("in a secret of an object that nobody touched is the program's", () => {
    const same = { inputs: { data: "[secret]" }, outputs: { version: 1 } };
    const drift = judge(
      refresh(same.inputs, same.outputs),
      update(same, { data: "[secret]" }, "data.key"),
    );
    expect(drift).toMatchObject({ resources: [], unapplied: 1 });
  });

  it("of a thing that is not as its inputs say is named, also where no input differs", () => {
    const same = { spec: 1 };
    const stopped = judge(refresh(same), update({ inputs: same }, same, "status"));
    expect(stopped.resources).toMatchObject([{ what: "not running", fields: [] }]);
    const unready = judge(refresh(same), update({ inputs: same, initErrors: ["no"] }, same));
    expect(unready.resources).toMatchObject([{ what: "not ready" }]);
  });

  it("of a resource that the state does not know is the program's", () => {
    const create = { op: "create", urn, newState: { inputs: {} } };
    expect(judge(create)).toMatchObject({ resources: [], unapplied: 1 });
    expect(judge(refresh({}), create).resources).toMatchObject([{ what: "gone" }]);
  });
});
