import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";

import { report } from "../integration/support/report";
import { javascriptProject, Workbench } from "../language-nodejs/support";
import { recordProgram } from "../../review/recording/program";
import { buildPack, type BuiltPack } from "./support/built";
import { awsResources } from "./support/conforming-aws";
import { objects } from "./support/conforming-objects";
import { pods } from "./support/conforming-pods";
import { UNKNOWN_TEXT, type Asked } from "./support/pack";
import { asked } from "./support/recorded";
import { stateOf } from "./support/state";
import { askedOf, changed, type Fixture, withValue } from "./support/world";

const CANARY = "canary-77aa01";
const conforming: readonly Fixture[] = [...pods, ...objects, ...awsResources];

describe("the pack in the real engine", () => {
  let folder: string;
  let pack: BuiltPack;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "drydock-policy-"));
    pack = await buildPack(folder);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** `pulumi policy analyze` of a state, by the clock of this machine. */
  async function analyze(resources: readonly Asked[], config?: object) {
    const [state, file] = [join(folder, "state.json"), join(folder, "config.json")];
    await writeFile(state, stateOf(resources));
    if (config !== undefined) await writeFile(file, JSON.stringify(config));
    const flags = ["--policy-pack", pack.executable, "--file", state, "--json"];
    const configured = config === undefined ? [] : ["--policy-pack-config", file];
    const result = await execa(
      join(inject("binaries"), "pulumi"),
      ["policy", "analyze", ...flags, ...configured],
      { cwd: folder, env: { PULUMI_HOME: join(folder, "home") }, reject: false, timeout: 150_000 },
    );
    const text = result.stdout + result.stderr;
    const broken = [...text.matchAll(/"policyName":\s*"([^"]+)"/g)].map(([, id]) => id);
    return { code: result.exitCode, broken: new Set(broken), text };
  }

  it("passes a state that keeps every rule", async () => {
    const { code, broken } = await analyze(askedOf(conforming));
    expect([...broken]).toEqual([]);
    expect(code).toBe(0);
  });

  it("passes dev as it is recorded, with its own configuration and with the other rules' defaults", async () => {
    const dev = asked(await recordProgram("dev", "update"));
    // Its volumes may go with the cluster.
    const disposable = { "stateful-protected": "disabled" };
    const { code, text } = await analyze(dev, { all: "advisory", ...disposable });
    expect(text).not.toContain("mandatory");
    expect(code).toBe(0);
    expect((await analyze(dev, disposable)).code).toBe(0);
  });

  it("tells of a broken state exactly the rules that it breaks, and no value", async () => {
    const path = "spec template spec containers 0";
    const variable = { name: "DB_PASSWORD", value: CANARY };
    const fixtures = changed(conforming, "web", (one) => ({
      ...one,
      inputs: withValue(
        withValue(one.inputs, `${path} securityContext privileged`, true),
        `${path} env 0`,
        variable,
      ),
    }));
    const { code, broken, text } = await analyze(askedOf(fixtures));
    expect([...broken].sort()).toEqual(["container-not-privileged", "env-no-secret-literal"]);
    expect(text).not.toContain(CANARY);
    expect(code).not.toBe(0);
    const advised = await analyze(askedOf(fixtures), { all: "advisory" });
    expect(advised.broken).toEqual(broken);
    expect(advised.code).toBe(0);
  });

  it("waits for an unknown, and says so", async () => {
    const fixtures = changed(conforming, "web", (one) => ({
      ...one,
      inputs: withValue(one.inputs, "spec template spec containers 0 image", UNKNOWN_TEXT),
    }));
    const { code, broken, text } = await analyze(askedOf(fixtures));
    expect([...broken]).toEqual(["inputs-known"]);
    expect(text).toContain("image-digest-pinned");
    expect(code).toBe(0);
  });
});

describe("the pack in a preview", () => {
  let bench: Workbench;
  let pack: BuiltPack;

  beforeAll(async () => {
    bench = await Workbench.create();
    pack = await buildPack(bench.path("built"));
    await bench.write(program({ privileged: false }));
    await bench.pulumi("stack", "init", "dev");
  });
  afterAll(() => bench.dispose());

  /** A component under a type of Kubernetes: the engine asks the pack about it, and no provider. */
  function program(securityContext: object) {
    const inputs = { spec: { containers: [{ name: "web", securityContext }] } };
    return javascriptProject(`
      class Pod extends pulumi.ComponentResource {
        constructor(name, args) { super("kubernetes:core/v1:Pod", name, args); }
      }
      new Pod("web", ${JSON.stringify(inputs)});`);
  }

  const strict = { all: "advisory", "container-not-privileged": "mandatory" };

  it.each(["executable", "folder"] as const)(
    "as its %s lets one pass and blocks another",
    async (as) => {
      const config = bench.path("config.json");
      await writeFile(config, JSON.stringify(strict));
      const flags = ["preview", "--policy-pack", pack[as], "--policy-pack-config", config];
      await bench.write(program({ privileged: false }));
      const start = performance.now();
      const passed = await bench.pulumi(...flags);
      report(
        `preview with the pack as its ${as}: ${((performance.now() - start) / 1000).toFixed(1)} s`,
      );
      expect(passed.stdout).toContain("drydock@v0.1.0");
      expect(passed.stdout).toContain("[advisory]");
      expect(passed.code).toBe(0);

      await bench.write(program({ privileged: true }));
      const blocked = await bench.pulumi(...flags);
      expect(blocked.code).not.toBe(0);
      expect(blocked.stdout).toContain(
        "spec.containers[0].securityContext.privileged must not be true. " +
          "Remove securityContext.privileged, or set it to false.",
      );
    },
  );

  it("stops an update before the resource is there", async () => {
    await bench.write(program({ privileged: true }));
    const flags = ["--yes", "--skip-preview", "--policy-pack", pack.executable];
    const stopped = await bench.pulumi("up", ...flags);
    expect(stopped.code).not.toBe(0);
    expect((await bench.pulumi("stack", "export")).stdout).not.toContain("kubernetes:core/v1:Pod");
  });

  it("leaves no process behind", async () => {
    expect(await bench.processes()).toEqual([]);
  });
});
