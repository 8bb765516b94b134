import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, it, onTestFinished } from "vitest";

import {
  chooseEngine,
  describeChoice,
  engineOf,
  type Machine,
  type Wanted,
} from "../../../infra/local/choice";
import { saveKindRecord } from "../../../infra/local/kind/record";
import { clusterPaths } from "../../../infra/local/runtime/paths";

const wanted = (change: Partial<Wanted> = {}): Wanted => ({
  name: "dev",
  kubernetesVersion: "1.36",
  engine: "auto",
  nodes: { real: "auto", simulated: 0 },
  loadBalancerAddress: "127.0.0.1",
  ...change,
});

const NO_ROOT = "a real node needs root";
const docker = { name: "docker", version: "28.2.2" } as const;

function machine(can: { root: boolean; container: boolean }): Machine & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    probes: () => {
      asked.push("probes");
      return Promise.resolve(can.root ? [] : [{ name: "root", ok: false, reason: NO_ROOT }]);
    },
    containers: () => {
      asked.push("containers");
      return Promise.resolve(
        can.container
          ? { found: docker }
          : { found: undefined, reasons: ["docker: not installed", "podman: not installed"] },
      );
    },
  };
}

const simulatedNodes = { real: "auto", simulated: 5 } as const;
const never = { real: "never", simulated: 1 } as const;

describe("what a local cluster runs in", () => {
  it.each([
    ["root, no engine", wanted(), { root: true, container: false }, "native", true],
    ["root and an engine", wanted(), { root: true, container: true }, "native", true],
    ["no root, an engine", wanted(), { root: false, container: true }, "kind", undefined],
    ["neither", wanted(), { root: false, container: false }, "native", false],
    [
      "native asked for",
      wanted({ engine: "native" }),
      { root: false, container: true },
      "native",
      false,
    ],
    [
      "kind asked for",
      wanted({ engine: "kind" }),
      { root: true, container: true },
      "kind",
      undefined,
    ],
    [
      "simulated ones",
      wanted({ nodes: simulatedNodes }),
      { root: false, container: true },
      "native",
      false,
    ],
    ["no real one", wanted({ nodes: never }), { root: true, container: true }, "native", false],
  ] as const)("with %s", async (_, spec, can, engine, realNode) => {
    const choice = await chooseEngine(spec, machine(can));
    expect(choice.engine).toBe(engine);
    expect(choice.engine === "native" ? choice.plan.realNode : undefined).toBe(realNode);
  });

  it("is asked of the machine only as far as it matters", async () => {
    const root = machine({ root: true, container: true });
    await chooseEngine(wanted(), root);
    expect(root.asked).toEqual(["probes"]);
    const kind = machine({ root: true, container: true });
    await chooseEngine(wanted({ engine: "kind" }), kind);
    expect(kind.asked).toEqual(["containers"]);
  });

  it("says why", async () => {
    const inDocker = await chooseEngine(wanted(), machine({ root: false, container: true }));
    expect(describeChoice(inDocker, "1.36")).toBe(
      `Kubernetes 1.36.1 by kind: 1 real node in a container of Docker 28.2.2. Reason: ${NO_ROOT}.`,
    );
    const none = await chooseEngine(wanted(), machine({ root: false, container: false }));
    expect(describeChoice(none, "1.36")).toContain(
      `Reason: ${NO_ROOT}; docker: not installed; podman: not installed.`,
    );
  });

  it("is an error where it is demanded and cannot be had", async () => {
    const neither = machine({ root: false, container: false });
    await expect(chooseEngine(wanted({ engine: "kind" }), neither)).rejects.toThrow(
      `no container engine answers, which kind needs
  why: docker: not installed; podman: not installed
  fix: start Docker or Podman, or set cluster.engine to auto`,
    );
    const always = wanted({ nodes: { real: "always", simulated: 0 } });
    await expect(chooseEngine(always, neither)).rejects.toThrow(NO_ROOT);
    expect((await chooseEngine(always, machine({ root: false, container: true }))).engine).toBe(
      "kind",
    );
  });

  it("is known of a cluster that is there", () => {
    const root = mkdtempSync(join(tmpdir(), "drydock-engine-"));
    onTestFinished(() => rmSync(root, { recursive: true }));
    expect(engineOf(root, "dev")).toBeUndefined();
    saveKindRecord(clusterPaths(root, "dev"), {
      uid: "u",
      spec: { ...wanted(), engine: "kind" },
      kubernetes: "1.36.1",
      container: docker,
      firstHostPort: 20_000,
    });
    expect(engineOf(root, "dev")).toBe("kind");
  });
});
