import { spawn } from "node:child_process";
import {
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { describe, expect, it, onTestFinished } from "vitest";

import { Supervisor } from "../../infra/local/agent/supervisor";
import { restartDelayMs, Track } from "../../infra/local/agent/track";
import {
  type Component,
  componentPid,
  daemonPid,
  forgetComponent,
  recordComponent,
  recordedComponents,
  startDaemon,
} from "../../infra/local/runtime/daemon";
import { writePolicyStatus } from "../../infra/local/network-policy/status";
import { tryHold } from "../../infra/local/runtime/hold";
import { type ClusterPaths, clusterPaths } from "../../infra/local/runtime/paths";
import { processesWhere, startTime } from "../../infra/local/runtime/process";
import { duration, reportComponents } from "../../infra/local/runtime/report";
import { isBeingRestarted, readSupervision } from "../../infra/local/runtime/supervision";
import { eventually, eventuallyHolds } from "../support/eventually";
import { temporaryFolder } from "../toolchain/support";

const SLEEP = { file: "/bin/sleep", args: ["600"] };

/** The folder of a cluster that consists of what a test records; all of it ends with the test. */
function cluster(): ClusterPaths {
  const paths = clusterPaths(temporaryFolder(), "dev");
  mkdirSync(paths.root, { recursive: true });
  writeFileSync(paths.record, "{}");
  onTestFinished(() => {
    for (const component of recordedComponents(paths)) {
      endNow(componentPid(component));
    }
  });
  return paths;
}

/** @returns what it logged, and stops it */
function supervise(paths: ClusterPaths): { log: string[]; stop: () => Promise<void> } {
  const log: string[] = [];
  const stop = new AbortController();
  const running = new Supervisor(paths, (line) => log.push(line)).run(stop.signal);
  const end = async (): Promise<void> => {
    stop.abort();
    await running;
  };
  onTestFinished(end);
  return { log, stop: end };
}

function endNow(pid: number | undefined): void {
  if (pid !== undefined) {
    process.kill(pid, "SIGKILL");
  }
}

const stateOf = (paths: ClusterPaths, name: string) =>
  readSupervision(paths)?.components.find((it) => it.name === name);

/** Kills it. @returns the pid of the next one */
async function killed(paths: ClusterPaths, name: string): Promise<number> {
  const before = daemonPid(paths, name);
  endNow(before);
  return eventually(() => {
    const pid = daemonPid(paths, name);
    return pid !== before && pid;
  });
}

describe("the delay before a restart", () => {
  it("is nothing at first, then doubles up to ten seconds", () => {
    expect([0, 1, 2, 3, 4, 5, 6, 100].map(restartDelayMs)).toEqual([
      0, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000,
    ]);
  });

  it("is nothing again after a minute of running, and not before", () => {
    const track = new Track("some", 0);
    track.runs(1, 0);
    expect(track.ended(0)).toBe(true);
    expect(track.isDue(0)).toBe(true);
    track.restarted(2, 0);
    track.ended(59_000);
    expect(track.isDue(59_000)).toBe(false);
    expect(track.isDue(60_000)).toBe(true);
    track.restarted(3, 60_000);
    track.runs(3, 90_000);
    expect(track.state().attempts).toBe(2);
    const long = new Track("some", 0, { ...track.state(), pid: process.pid });
    long.runs(process.pid, Date.now() + 61_000);
    expect(long.state()).toMatchObject({ attempts: 0, restarts: 2 });
  });

  it("grows for a program that cannot be run at all", () => {
    const track = new Track("some", 0);
    track.ended(0);
    track.restarted(undefined, 0);
    expect(track.ended(10)).toBe(false);
    expect([999, 1_000].map((it) => track.isDue(it))).toEqual([false, true]);
  });
});

describe("a supervisor", () => {
  it("starts a component again by its recorded command, counts, and says how it ended", async () => {
    const paths = cluster();
    startDaemon(paths, { name: "some", command: SLEEP });
    const { log } = supervise(paths);
    await eventuallyHolds(() => expect(stateOf(paths, "some")?.standing).toBe("running"));
    expect(stateOf(paths, "some")).toMatchObject({ restarts: 0, pid: daemonPid(paths, "some") });
    const second = await killed(paths, "some");
    expect(readFileSync(`/proc/${String(second)}/cmdline`, "utf8")).toBe("/bin/sleep\x00600\0");
    await eventuallyHolds(() => expect(stateOf(paths, "some")).toMatchObject({ restarts: 1 }));
    // How the first one ended knows only its parent, which this supervisor was not.
    expect(stateOf(paths, "some")?.lastEnd).not.toHaveProperty("signal");
    endNow(second);
    await eventuallyHolds(() =>
      expect(stateOf(paths, "some")).toMatchObject({
        standing: "backing off",
        lastEnd: { signal: "SIGKILL" },
        nextTry: expect.any(String) as string,
      }),
    );
    await eventuallyHolds(() => expect(stateOf(paths, "some")?.restarts).toBe(2));
    expect(log.filter((line) => line.startsWith("some ended"))).toEqual([
      "some ended",
      "some ended (SIGKILL)",
    ]);
  });

  it("goes unnoticed by the components when it ends and returns, and remembers the counts", async () => {
    const paths = cluster();
    startDaemon(paths, { name: "some", command: SLEEP });
    const first = supervise(paths);
    await eventuallyHolds(() => expect(readSupervision(paths)).toBeDefined());
    const pid = await killed(paths, "some");
    await eventuallyHolds(() => expect(stateOf(paths, "some")?.restarts).toBe(1));
    await first.stop();
    expect(daemonPid(paths, "some")).toBe(pid);
    const second = supervise(paths);
    await sleep(700);
    expect(daemonPid(paths, "some")).toBe(pid);
    expect(stateOf(paths, "some")).toMatchObject({ restarts: 1, attempts: 1 });
    expect(second.log).toEqual([]);
  });

  it("starts nothing while another command holds the cluster, nor a second copy after it", async () => {
    const paths = cluster();
    startDaemon(paths, { name: "some", command: SLEEP });
    supervise(paths);
    await eventuallyHolds(() => expect(readSupervision(paths)).toBeDefined());
    const hold = await tryHold(paths);
    endNow(daemonPid(paths, "some"));
    await eventuallyHolds(() => expect(stateOf(paths, "some")?.standing).toBe("held"));
    expect(daemonPid(paths, "some")).toBeUndefined();
    // The command's own start of it.
    startDaemon(paths, { name: "some", command: SLEEP });
    const pid = daemonPid(paths, "some");
    await hold?.release();
    await sleep(1_500);
    await eventuallyHolds(() =>
      expect(stateOf(paths, "some")).toMatchObject({ standing: "running", restarts: 0 }),
    );
    expect(daemonPid(paths, "some")).toBe(pid);
  });

  it("leaves alone what was stopped on purpose", async () => {
    const paths = cluster();
    startDaemon(paths, { name: "some", command: SLEEP });
    supervise(paths);
    await eventuallyHolds(() => expect(stateOf(paths, "some")).toBeDefined());
    const pid = daemonPid(paths, "some");
    forgetComponent(paths, "some");
    endNow(pid);
    await eventuallyHolds(() => expect(readSupervision(paths)?.components).toEqual([]));
    await sleep(900);
    expect(daemonPid(paths, "some")).toBeUndefined();
  });

  it("starts nothing for a cluster whose folder is being deleted", async () => {
    const paths = cluster();
    startDaemon(paths, { name: "some", command: SLEEP });
    const pid = daemonPid(paths, "some") ?? 0;
    onTestFinished(() => endNow(startTime(pid) === undefined ? undefined : pid));
    const { log } = supervise(paths);
    await eventuallyHolds(() => expect(stateOf(paths, "some")).toBeDefined());
    // The pid file goes first: the process that runs is known all the same.
    rmSync(paths.pids, { recursive: true });
    await sleep(700);
    expect(stateOf(paths, "some")).toMatchObject({ standing: "running", pid });
    rmSync(paths.record);
    endNow(pid);
    await sleep(700);
    expect(processesWhere(([file]) => file === SLEEP.file)).not.toContain(pid);
    expect(log).toEqual([]);
  });

  it("waits where a namespace is missing, and says which", async () => {
    const paths = cluster();
    const file = join(paths.root, "no-such-namespace");
    const component: Component = {
      name: "some",
      command: { ...SLEEP, namespaces: [file] },
      log: join(paths.logs, "some.log"),
      pidFile: join(paths.pids, "some.pid"),
    };
    recordComponent(paths, component);
    supervise(paths);
    await eventuallyHolds(() =>
      expect(stateOf(paths, "some")).toMatchObject({
        standing: "waiting",
        reason: `${file} is missing`,
        restarts: 0,
      }),
    );
  });

  it("knows a process by its executable where the pid file is kwokctl's", async () => {
    const paths = cluster();
    const executable = join(paths.root, "bin", "etcd");
    mkdirSync(join(paths.root, "bin"));
    symlinkSync(SLEEP.file, executable);
    recordComponent(paths, {
      name: "etcd",
      // As nsenter does: another program first, which turns into the component.
      command: { file: "/bin/sh", args: ["-c", `sleep 0.2; exec ${executable} 600`] },
      log: join(paths.logs, "etcd.log"),
      pidFile: join(paths.pids, "etcd.pid"),
      executable,
    });
    supervise(paths);
    const running = (): number[] => processesWhere(([file]) => file === executable);
    await eventuallyHolds(() => expect(running()).toHaveLength(1));
    const [first = 0] = running();
    expect(readFileSync(join(paths.pids, "etcd.pid"), "utf8")).toBe(String(first));
    await sleep(900);
    expect(running()).toEqual([first]);
    endNow(first);
    await eventuallyHolds(() => {
      const now = running();
      expect(now).toHaveLength(1);
      expect(now).not.toEqual([first]);
    });
  });

  it("takes over a process that was started and not noted, instead of a second copy", async () => {
    const paths = cluster();
    const script = join(paths.root, "program.sh");
    writeFileSync(script, "sleep 600 & wait\n");
    const child = spawn("/bin/sh", [script], { stdio: "ignore" });
    onTestFinished(() => void child.kill("SIGKILL"));
    recordComponent(paths, {
      name: "some",
      command: { file: "/bin/sh", args: [script] },
      log: join(paths.logs, "some.log"),
      pidFile: join(paths.pids, "some.pid"),
    });
    const { log } = supervise(paths);
    await eventuallyHolds(() => expect(daemonPid(paths, "some")).toBe(child.pid));
    await sleep(500);
    // What it starts has its command line until it is another program.
    await eventuallyHolds(() =>
      expect(processesWhere((args) => args.includes(script))).toEqual([child.pid]),
    );
    expect(stateOf(paths, "some")).toMatchObject({ standing: "running", restarts: 0 });
    expect(log).toEqual(["some runs already: it is taken over"]);
  });

  it("bears files that a crash of the machine left broken", async () => {
    const paths = cluster();
    startDaemon(paths, { name: "some", command: SLEEP });
    writeFileSync(join(paths.components, "broken.json"), "");
    writeFileSync(paths.supervision, '{"pid":');
    supervise(paths);
    await killed(paths, "some");
    await eventuallyHolds(() => expect(stateOf(paths, "some")?.restarts).toBe(1));
  });

  it("goes on where a program is missing, with the others too", async () => {
    const paths = cluster();
    startDaemon(paths, { name: "gone", command: { file: "/no/such/program", args: [] } });
    startDaemon(paths, { name: "some", command: SLEEP });
    supervise(paths);
    await eventuallyHolds(() =>
      expect(stateOf(paths, "gone")).toMatchObject({
        standing: "backing off",
        attempts: 1,
        nextTry: expect.any(String) as string,
      }),
    );
    await killed(paths, "some");
    await eventuallyHolds(() => expect(stateOf(paths, "gone")?.attempts).toBe(2));
  });
});

describe("the report of a cluster's components", () => {
  it("is none where there is no cluster", () => {
    expect(reportComponents(clusterPaths(temporaryFolder(), "dev"))).toBeUndefined();
  });

  it("says of network policies how many hold, or why the rules are old", () => {
    const paths = cluster();
    const at = "2026-01-01T00:00:00.000Z";
    const told = (problem?: string) => {
      const status = { at, policies: 3, pods: 5, ...(problem === undefined ? {} : { problem }) };
      writePolicyStatus(paths, status);
      return reportComponents(paths, Date.parse(at) + 7_000)?.[1];
    };
    const name = "network policies";
    const text = "enforced, 3 for 5 pods, rules of 7 s ago";
    expect(told()).toEqual({ name, condition: "ok", text });
    const old = { name, condition: "restarting", text: "not up to date: no nft" };
    expect(told("no nft")).toEqual(old);
  });

  it("says of a dead supervisor that nothing is started again, and of the rest what runs", async () => {
    const paths = cluster();
    startDaemon(paths, { name: "some", command: SLEEP });
    expect(reportComponents(paths)).toEqual([
      {
        name: "supervisor and load balancer",
        condition: "down",
        text: "not running: nothing is started again",
      },
      { name: "some", condition: "ok", text: expect.stringMatching(/^up \d+ s$/) as string },
    ]);
    endNow(daemonPid(paths, "some"));
    await eventuallyHolds(() =>
      expect(reportComponents(paths)?.[1]).toEqual({
        name: "some",
        condition: "down",
        text: "not running",
      }),
    );
  });

  it("tells a component that backs off, and a supervisor that hangs", async () => {
    const paths = cluster();
    startDaemon(paths, { name: "some", command: SLEEP });
    startDaemon(paths, { name: "agent", command: SLEEP });
    const { stop } = supervise(paths);
    await eventuallyHolds(() => expect(stateOf(paths, "some")).toBeDefined());
    endNow(await killed(paths, "some"));
    await eventuallyHolds(() =>
      expect(reportComponents(paths)?.find(({ name }) => name === "some")).toMatchObject({
        condition: "restarting",
        text: expect.stringMatching(
          /^ended, next try in [01] s, 1 restart \(last end: SIGKILL\)$/,
        ) as string,
      }),
    );
    expect(isBeingRestarted(paths, "some")).toBe(true);
    await stop();
    const old = Date.now() / 1000 - 60;
    utimesSync(paths.supervision, old, old);
    expect(reportComponents(paths)?.[0]?.text).toMatch(/^pid \d+ hangs$/);
    expect(isBeingRestarted(paths, "some")).toBe(false);
    expect(statSync(paths.supervision).mode & 0o777).toBe(0o600);
  });

  it.each([
    [0, "0 s"],
    [59_400, "59 s"],
    [60_000, "1 min"],
    [3_723_000, "1 h 2 min"],
    [90_061_000, "1 d 1 h"],
  ])("writes %d ms as %s", (ms, text) => {
    expect(duration(ms)).toBe(text);
  });
});
