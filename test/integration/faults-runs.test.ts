import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { isAlive } from "../../toolchain/alive";
import { eventually } from "../support/eventually";
import { FaultProject, kill9 } from "./support/fault-project";
import { Faults } from "./support/faults";
import { processNamed, processTree, type Running } from "./support/project";

const faults = new Faults("runs");
const LOCKED = "error: the stack is currently locked by 1 lock(s).";

/** Runs that are stopped at a moment which the test chooses: a pending operation, held by a closed gate. */
describe("a run of pulumi up that is stopped", () => {
  let project: FaultProject;
  let before: Record<string, string>;
  const running: Running[] = [];

  beforeAll(async () => {
    project = await FaultProject.create();
  });

  // Of a test that failed: the next one must find the stack free.
  afterEach(() => {
    const left = running.splice(0).filter(({ pid }) => isAlive(pid));
    for (const { pid } of left) kill9(pid);
    if (left.length > 0) project.unlock();
  });

  afterAll(async () => {
    await project.remove();
  });

  /** An update that does not get beyond the operations, which wait for pods behind a gate. */
  async function held(...operations: string[]): Promise<Running> {
    const run = project.startUp();
    running.push(run);
    await eventually(async () => {
      if (!isAlive(run.pid)) throw new Error(`it ended too early: ${run.printed()}`);
      const begun = operations.every((it) => project.pending().includes(it));
      return begun && (await project.waitingPods()) === operations.length;
    });
    return run;
  }

  it("begun twice at once, on a project without a stack", async () => {
    const starts = await Promise.all([project.command("start"), project.command("start")]);
    const refused = starts.filter(({ code }) => code !== 0);
    for (const { all } of refused)
      expect(all).toMatch(/another run of Pulumi works on|is currently locked/);
    expect(starts.map(({ all }) => all).join()).not.toContain("already exists");
    // At the same moment, each may see the other's lock and give its own up, as Pulumi does it: the next one runs.
    if (refused.length === 2) expect((await project.command("start")).code).toBe(0);
    const create = ["create", "configmap", "kept", "-n", "faults", "--from-literal=a=b"];
    expect((await project.kubectl(...create)).code).toBe(0);
    before = await project.identities();
    expect(Object.keys(before)).toContain("PersistentVolumeClaim/data");
    await project.expectOrder(before);
  });

  it("killed while it creates", async () => {
    const fault = faults.begin("The CLI was killed while it created something");
    project.declare(({ apps }) => {
      apps.fresh = { gate: "g1" };
      apps.named = { gate: "g1", generated: true };
    });
    const run = await held("creating fresh", "creating named");
    const processes = kill9(run.pid);
    fault.sees(await project.up(), LOCKED);
    const created = await project.identities();
    await project.open("g1");
    await fault.mends(
      "npm run recover",
      () => project.command("recover"),
      "its lock on the stack dev is released",
      "The last run did not end:",
      "creating Deployment named",
    );
    // The objects that the killed run made, also the one with a generated name, and no others.
    await project.expectOrder({ ...before, ...created }, processes);
    fault.ends(
      "What the killed run created is found again under the names it was given, also generated ones. The plugins end with the CLI.",
    );
    before = await project.identities();
  });

  it("killed while it updates", async () => {
    const fault = faults.begin("The CLI was killed while it updated something");
    project.declare(({ apps }) => (apps.web = { gate: "g2" }));
    const run = await held("updating web");
    const processes = kill9(run.pid);
    fault.sees(await project.up(), LOCKED);
    await project.open("g2");
    await fault.mends("npm start", () => project.command("start"), "its lock on the stack dev");
    await project.expectOrder(withoutPods(before, "web"), processes);
    fault.ends("The old pods serve on until the new ones are ready. The update is sent again.");
    before = await project.identities();
  });

  it("killed before it did anything", async () => {
    const fault = faults.begin("A lock was left behind");
    const run = project.startUp();
    await eventually(() => {
      if (!isAlive(run.pid)) throw new Error(`it ended too early: ${run.printed()}`);
      return project.locks().length > 0;
    });
    const processes = kill9(run.pid);
    fault.sees(await project.up(), LOCKED);
    await fault.mends(
      "npm run recover",
      () => project.command("recover"),
      "its lock on the stack dev is released",
      "The stack dev is in order: nothing is pending, and nothing differs.",
    );
    await project.expectOrder(before, processes);
    fault.ends(
      "Previews take no lock and go on working. A lock of a run that lives is never released.",
    );
  });

  it.each([
    ["created", "creating", { gate: "g3" }],
    ["updated", "updating", { gate: "g4" }],
  ])(
    "without the Kubernetes plugin, killed while something is %s",
    async (word, operation, app) => {
      const fault = faults.begin(`The Kubernetes plugin was killed while something was ${word}`);
      project.declare(({ apps }) => (apps.plugin = app));
      const run = await held(`${operation} plugin`);
      const processes = processTree(run.pid);
      kill9(processNamed(run.pid, "pulumi-resource-kubernetes"));
      const failed = await run.finished;
      expect(failed.code).not.toBe(0);
      fault.sees(failed, "error reading from server");
      const made = await project.identities();
      await project.open(app.gate);
      await fault.mends("npm run recover", () => project.command("recover"));
      await project.expectOrder(withoutPods({ ...before, ...made }, "plugin"), processes);
      fault.ends("The CLI lives and releases its lock.");
      before = await project.identities();
    },
  );

  it.each([
    ["language host", "pulumi-language-nodejs", "error: error reading from server: EOF"],
    ["program", "cmd/run", "error: an unhandled error occurred: Program was ended by SIGKILL"],
  ])("without its %s", async (name, command, error) => {
    const fault = faults.begin(`The ${name} was killed`);
    const gate = `g-${name.replaceAll(" ", "-")}`;
    project.declare(({ apps }) => (apps.web = { gate }));
    const run = await held("updating web");
    const processes = processTree(run.pid);
    kill9(processNamed(run.pid, command));
    await project.open(gate);
    const failed = await run.finished;
    expect(failed.code).not.toBe(0);
    fault.sees(failed, error);
    await fault.mends("pulumi up -s dev", () => project.up());
    await project.expectOrder(withoutPods(before, "web"), processes);
    fault.ends("What is under way is brought to its end; nothing new is begun.");
    before = await project.identities();
  });

  it("interrupted once", async () => {
    const fault = faults.begin("Ctrl-C once");
    project.declare(({ apps }) => (apps.web = { gate: "g5" }));
    const run = await held("updating web");
    const processes = processTree(run.pid);
    process.kill(run.pid, "SIGINT");
    const stopped = await run.finished;
    expect(stopped.code).not.toBe(0);
    fault.sees(stopped, "^C received; cancelling.", "was not waited for: cancelled");
    expect(project.locks()).toEqual([]);
    await project.open("g5");
    await fault.mends("pulumi up -s dev", () => project.up());
    await project.expectOrder(withoutPods(before, "web"), processes);
    fault.ends("Waiting ends at once; what was sent to the cluster stays. The lock is released.");
    before = await project.identities();
  });

  it("interrupted twice", async () => {
    const fault = faults.begin("Ctrl-C twice");
    project.declare(({ apps }) => {
      apps.twice = { gate: "g6" };
    });
    const run = await held("creating twice");
    const processes = processTree(run.pid);
    // Nothing answers the first one, so that the run still waits when the second one comes.
    const plugin = processNamed(run.pid, "pulumi-resource-kubernetes");
    process.kill(plugin, "SIGSTOP");
    process.kill(run.pid, "SIGINT");
    await eventually(() => run.printed().includes("^C received; cancelling."));
    process.kill(run.pid, "SIGINT");
    await eventually(() => run.printed().includes("^C received; terminating"));
    process.kill(plugin, "SIGCONT");
    const stopped = await run.finished;
    expect(stopped.code).not.toBe(0);
    fault.sees(stopped, "^C received; terminating", "error: update cancelled");
    expect(project.locks()).toEqual([]);
    const made = await project.identities();
    await project.open("g6");
    await fault.mends("npm run recover", () => project.command("recover"));
    await project.expectOrder({ ...before, ...made }, processes);
    fault.ends("The second one does not wait for the first to take effect.");
    before = await project.identities();
  });

  it("beside another one", async () => {
    const fault = faults.begin("Two runs at once");
    project.declare(({ apps }) => (apps.web = { gate: "g7" }));
    const run = await held("updating web");
    const processes = processTree(run.pid);
    fault.sees(await project.up(), LOCKED);
    const [started, recovered] = [await project.command("start"), await project.command("recover")];
    expect([started.code, recovered.code]).toEqual([1, 1]);
    fault.sees(started, "another run of Pulumi works on the stack dev:");
    expect(started.all).toContain(`pid ${String(run.pid)} (pulumi up)`);
    expect(recovered.all).toContain(`pid ${String(run.pid)} (pulumi up)`);
    expect(isAlive(run.pid)).toBe(true);
    await project.open("g7");
    expect((await run.finished).code).toBe(0);
    await fault.mends("npm start", () => project.command("start"));
    await project.expectOrder(withoutPods(before, "web"), processes);
    fault.ends(
      "The first run is not disturbed; the second one names it, with its process, and changes nothing.",
    );
    before = await project.identities();
  });

  it("without the API server for a while", async () => {
    const fault = faults.begin("The API server was away for a while");
    project.declare(({ apps }) => (apps.web = { gate: "g8" }));
    const run = await held("updating web");
    const processes = processTree(run.pid);
    await project.plane.killApiServer();
    const away = "API server does not answer, trying again";
    await eventually(() => run.printed().includes(away));
    await fault.mends("nothing to do, the run goes on", async () => {
      await project.plane.reviveApiServer();
      await project.open("g8");
      return run.finished;
    });
    fault.sees(await run.finished, away);
    await project.expectOrder(withoutPods(before, "web"), processes);
    fault.ends("The run waits and goes on by itself when the API server answers again.");
    before = await project.identities();
  });

  it("without the API server for good", async () => {
    const fault = faults.begin("The API server went away and stayed away");
    project.declare(({ apps }) => (apps.gone = { gate: "g9", seconds: 15 }));
    const run = await held("creating gone");
    const processes = processTree(run.pid);
    const made = await project.identities();
    await project.plane.killApiServer();
    const failed = await run.finished;
    expect(failed.code).not.toBe(0);
    fault.sees(failed, "cannot be reached");
    await project.plane.reviveApiServer();
    await project.open("g9");
    const available = ["--for=condition=Available", "deployment/gone", "--timeout=120s"];
    expect((await project.kubectl("wait", "-n", "faults", ...available)).code).toBe(0);
    await fault.mends("npm run recover", () => project.command("recover"));
    await project.expectOrder({ ...before, ...made }, processes);
    fault.ends(
      "The run fails after the object's own timeout, at most ten minutes. Bring the API server back first.",
    );
  });

  it("is told in docs/faults.md as it was seen", () => {
    faults.expectPage();
  });
});

/** A Deployment's pods are replaced when its template changes: that is no loss. */
function withoutPods(identities: Record<string, string>, app: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(identities).filter(([name]) => !name.startsWith(`Pod/${app}-`)),
  );
}
