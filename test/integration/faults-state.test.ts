import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { eventually } from "../support/eventually";
import { FaultProject } from "./support/fault-project";
import { Faults } from "./support/faults";

const faults = new Faults("state");
/** A small disk has to be mounted. */
const asRoot = process.getuid?.() === 0;

describe("a stack whose state or world was changed by others", () => {
  let project: FaultProject;
  let before: Record<string, string>;

  beforeAll(async () => {
    project = await FaultProject.create();
    // A second update, so that there are copies of the state to go back to.
    for (const page of ["zero", "one"]) {
      project.declare((wish) => (wish.page = page));
      const started = await project.command("start");
      expect(started.code, started.all).toBe(0);
    }
    await project.kubectl("create", "configmap", "kept", "-n", "faults", "--from-literal=a=b");
    before = await project.identities();
  });

  afterAll(async () => {
    await project.remove();
  });

  it("has nothing to recover where nothing is wrong", async () => {
    const state = readFileSync(project.stateFile, "utf8");
    const recovered = await project.command("recover");
    expect(recovered.all).toContain("is in order: nothing is pending, and nothing differs.");
    expect(recovered.code).toBe(0);
    expect(readFileSync(project.stateFile, "utf8")).toBe(state);
    const drift = await project.command("drift");
    expect([drift.code, drift.stdout]).toEqual([0, "No drift."]);
  });

  it("whose file was truncated", async () => {
    const fault = faults.begin("The state file is truncated");
    truncateSync(project.stateFile, 1500);
    fault.sees(
      await project.up(),
      "error: failed to load checkpoint",
      "unexpected end of JSON input",
    );
    const drift = await project.command("drift");
    expect(drift.code).toBe(1);
    expect(drift.all).toContain("fix: npm run recover");
    await fault.mends(
      "npm run recover",
      () => project.command("recover"),
      "The stack's state could not be read: its copy of",
      "broken one: ",
    );
    await project.expectOrder(before);
    fault.ends(
      "Pulumi touches nothing while it cannot read its state. The broken file stays beside the restored one.",
    );
  });

  it("whose file was lost with its newest copies, so that only an older state is left", async () => {
    const fault = faults.begin("Only an old copy of the state is left");
    const old = JSON.parse(readFileSync(project.stateFile, "utf8")) as StateFile;
    const { latest } = old.checkpoint;
    latest.resources = latest.resources.filter(({ urn }) => !/::(web|page|space|key)$/.test(urn));
    writeFileSync(project.stateFile, JSON.stringify(old));
    // What the old state does not know of is there: it is found again and not refused.
    fault.sees(
      await project.pulumi("preview"),
      "error: The Pulumi CLI encountered a snapshot integrity error",
    );
    await fault.mends("npm run recover", () => project.command("recover"));
    await project.expectOrder(before);
    fault.ends(
      "Objects that the state no longer knows are recognised by the stack's own marks on them and taken back, not made again.",
    );
  });

  it("with a dangling dependency", async () => {
    const fault = faults.begin("The state names a resource that it does not hold");
    const state = JSON.parse(readFileSync(project.stateFile, "utf8")) as StateFile;
    const { latest } = state.checkpoint;
    latest.resources = latest.resources.filter(({ urn }) => !urn.endsWith("::space"));
    writeFileSync(project.stateFile, JSON.stringify(state));
    fault.sees(await project.up(), "error: The Pulumi CLI encountered a snapshot integrity error");
    await fault.mends(
      "npm run recover",
      () => project.command("recover"),
      "pulumi state repair has taken that out",
    );
    await project.expectOrder(before);
    fault.ends("The lost resource is found in the cluster and taken back with all that is in it.");
  });

  it("read with a wrong passphrase", async () => {
    const fault = faults.begin("The passphrase is wrong");
    const wrong = { PULUMI_CONFIG_PASSPHRASE: "wrong", PULUMI_CONFIG_PASSPHRASE_FILE: "" };
    const args = ["up", "--yes", "--non-interactive", "--stack", "dev"];
    const refused = await project.run("pulumi", args, wrong);
    expect(refused.code).not.toBe(0);
    fault.sees(refused, "incorrect passphrase");
    await fault.mends("unset PULUMI_CONFIG_PASSPHRASE; npm start", () => project.command("start"));
    await project.expectOrder(before);
    fault.ends(
      "Nothing is read or written without the right one. Without a passphrase of your own, it lies in `.drydock/passphrase`.",
    );
  });

  it("changed by hand", async () => {
    const fault = faults.begin("Somebody scaled or edited an object");
    await project.kubectl("scale", "-n", "faults", "deployment/web", "--replicas=3");
    const image = ["-n", "faults", "deployment/web", "web=web:9"];
    await project.kubectl("set", "image", ...image);
    const patch = (data: object) => ["--type=merge", "-p", JSON.stringify({ data })];
    await project.kubectl(
      "patch",
      "-n",
      "faults",
      "configmap/page",
      ...patch({ page: "two", more: "3" }),
    );
    const secret = patch({ password: Buffer.from("canary-77").toString("base64") });
    await project.kubectl("patch", "-n", "faults", "secret/key", ...secret);
    const drift = await project.command("drift");
    expect(drift.code).toBe(7);
    fault.sees(
      drift,
      "kubernetes:apps/v1:Deployment web: changed",
      "  spec.replicas: 1 -> 3",
      '  spec.template.spec.containers[0].image: "web:1" -> "web:9"',
      '  data.page: "one" -> "two"',
      "  data.password: [secret] -> [secret]",
    );
    expect(drift.all).not.toMatch(/canary|more/);
    expect((await project.up("--refresh")).all).toContain('spec.replicas: managed by "kubectl"');
    await fault.mends("npm run recover", () => project.command("recover"));
    const kept = without(before, /^(Pod\/web-|ConfigMap\/page|Secret\/key)/);
    await project.expectOrder(kept);
    before = await project.identities();
    fault.ends(
      "A plain `pulumi up` sees no drift, and `--refresh` stops at fields that another field manager took over. `recover` takes them back.",
      "the edit",
    );
  });

  it("given a label by somebody else", async () => {
    const fault = faults.begin("Somebody added a label");
    await project.kubectl("label", "-n", "faults", "deployment/web", "team=blue");
    const drift = await project.command("drift");
    fault.sees(drift, "No drift.");
    await fault.mends("npm start", () => project.command("start"));
    const labels = await project.kubectl(
      "get",
      "-n",
      "faults",
      "deployment/web",
      "-o",
      "jsonpath={.metadata.labels.team}",
    );
    expect(labels.stdout).toBe("blue");
    await project.expectOrder(before);
    fault.ends(
      "A field that the program does not declare is somebody else's, and stays. Nothing needs mending.",
    );
  });

  it("with an object deleted by hand", async () => {
    const fault = faults.begin("Somebody deleted an object");
    await project.kubectl("delete", "-n", "faults", "deployment/web", "--wait");
    // Its pods go after it.
    const pods = ["get", "pods", "-n", "faults", "--selector", "app=web", "-o", "name"];
    await eventually(async () => (await project.kubectl(...pods)).stdout === "");
    const drift = await project.command("drift", "--json");
    expect(drift.code).toBe(7);
    const { resources } = JSON.parse(drift.stdout) as {
      resources: { name: string; what: string }[];
    };
    expect(resources.map(({ name, what }) => [name, what])).toEqual([["web", "gone"]]);
    fault.sees(await project.command("drift"), "kubernetes:apps/v1:Deployment web: gone");
    await fault.mends("pulumi up --refresh -s dev", () => project.up("--refresh"));
    await project.expectOrder(without(before, /\/web/));
    before = await project.identities();
    fault.ends("Everything else stays as it is.", "the object's own state");
  });

  it("with a namespace deleted by hand", async () => {
    const fault = faults.begin("Somebody deleted a namespace");
    project.declare((wish) => (wish.extra = true));
    expect((await project.up()).code).toBe(0);
    await project.kubectl("delete", "namespace", "faults-extra", "--wait");
    fault.sees(
      await project.command("drift"),
      "kubernetes:core/v1:Namespace extra: gone",
      "kubernetes:core/v1:ConfigMap note: gone",
    );
    await fault.mends("pulumi up --refresh -s dev", () => project.up("--refresh"));
    const note = await project.kubectl("get", "-n", "faults-extra", "configmap/note", "-o", "name");
    expect(note.stdout).toBe("configmap/note");
    await project.expectOrder(before);
    fault.ends(
      "What the program declares is made again, in order.",
      "what was in it and not in the program",
    );
  });

  it.skipIf(!asRoot)("on a disk that is full", async () => {
    const fault = faults.begin("The disk of the state is full");
    const disk = join(project.folder, "disk");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=32m", "tmpfs", disk]);
    try {
      cpSync(join(project.folder, ".drydock", "state"), disk, { recursive: true });
      const passphrase = readFileSync(join(project.folder, ".drydock", "passphrase"), "utf8");
      const backend = {
        PULUMI_BACKEND_URL: `file://${disk}`,
        PULUMI_CONFIG_PASSPHRASE: passphrase.trim(),
        PULUMI_CONFIG_PASSPHRASE_FILE: "",
      };
      const pulumi = (...args: string[]) =>
        project.run("pulumi", [...args, "--stack", "dev"], backend);
      const { bavail, bsize } = statfsSync(disk);
      // Room for a lock, and for less than one more state.
      const room = 16 * 1024;
      writeFileSync(join(disk, "full"), Buffer.alloc(bavail * bsize - room));
      project.declare((wish) => (wish.page = "full"));
      const failed = await pulumi("up", "--yes", "--non-interactive");
      expect(failed.code).not.toBe(0);
      fault.sees(failed, "no space left on device");
      rmSync(join(disk, "full"));
      await fault.mends("npm run recover", () =>
        project.run("node", ["dist/cli.js", "recover"], backend),
      );
      const preview = await pulumi("preview", "--refresh", "--expect-no-changes");
      expect(preview.code, preview.all).toBe(0);
    } finally {
      execFileSync("umount", ["--lazy", disk]);
    }
    // The same stack, by its other state.
    expect((await project.command("recover")).code).toBe(0);
    before = { ...(await project.identities()), ...without(before, /ConfigMap\/page/) };
    await project.expectOrder(before);
    fault.ends(
      "Make room first. Pulumi writes over its state: a full disk may leave it truncated, and an older copy is put back.",
    );
  });

  it("is told in docs/faults.md as it was seen", () => {
    faults.expectPage(asRoot ? 0 : 1);
  });
});

interface StateFile {
  readonly checkpoint: { readonly latest: { resources: { urn: string }[] } };
}

const without = (identities: Record<string, string>, names: RegExp): Record<string, string> =>
  Object.fromEntries(Object.entries(identities).filter(([name]) => !names.test(name)));
