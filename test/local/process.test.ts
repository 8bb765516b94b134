import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";

import { LocalClusterError } from "../../infra/local/runtime/errors";
import {
  daemonPid,
  type Folders,
  recordedComponents,
  startDaemon,
  stopDaemon,
} from "../../infra/local/runtime/daemon";
import {
  endProcess,
  inNetwork,
  processesWhere,
  run,
  startedAt,
  startTime,
} from "../../infra/local/runtime/process";
import { eventually } from "../support/eventually";
import { temporaryFolder, writeExecutable } from "../toolchain/support";

function folders(): Folders {
  const root = temporaryFolder();
  return {
    logs: join(root, "logs"),
    pids: join(root, "pids"),
    components: join(root, "components"),
  };
}

/** A daemon that runs shell lines; ended after the test. */
function start(at: Folders, script: string, name = "some"): number {
  startDaemon(at, { name, command: { file: "/bin/sh", args: ["-c", script] } });
  onTestFinished(() => stopDaemon(at, name, 0));
  const pid = daemonPid(at, name);
  if (pid === undefined) {
    throw new Error("the daemon did not start");
  }
  return pid;
}

function logged(at: Folders, text: string, name = "some"): Promise<string> {
  return eventually(() => {
    const log = readFileSync(join(at.logs, `${name}.log`), "utf8");
    return log.includes(text) && log;
  });
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("a daemon", () => {
  it("gets nothing of the caller's environment: no passphrase in /proc", async () => {
    vi.stubEnv("PULUMI_CONFIG_PASSPHRASE", "canary-4711");
    const at = folders();
    const pid = start(at, "echo up; sleep 60");
    await logged(at, "up");
    const environment = readFileSync(`/proc/${String(pid)}/environ`, "utf8").split("\0");
    expect(
      environment
        .filter(Boolean)
        .map((line) => line.split("=")[0])
        .sort(),
    ).toEqual(expect.arrayContaining(["GOGC", "HOME", "PATH"]));
    expect(environment.join("\n")).not.toContain("canary");
    expect(environment.join("\n")).not.toContain("PULUMI");
  });

  it("writes what it says to a log for its owner alone, and runs in a session of its own", async () => {
    const at = folders();
    const pid = start(at, "echo out; echo err >&2; sleep 60");
    expect(await logged(at, "err")).toBe("out\nerr\n");
    expect(statSync(join(at.logs, "some.log")).mode & 0o777).toBe(0o600);
    const stat = readFileSync(`/proc/${String(pid)}/stat`, "utf8")
      .split(") ")[1]
      ?.split(" ");
    expect(Number(stat?.[3])).toBe(pid);
  });

  it("is recorded with its command as long as it should run", async () => {
    const at = folders();
    const began = Date.now();
    const pid = start(at, "sleep 60");
    expect(recordedComponents(at)).toEqual([
      {
        name: "some",
        command: { file: "/bin/sh", args: ["-c", "sleep 60"] },
        log: join(at.logs, "some.log"),
        pidFile: join(at.pids, "some.pid"),
      },
    ]);
    // Its clock and ours agree to a part of a second.
    expect(startedAt(pid)).toBeGreaterThan(began - 1_000);
    expect(startedAt(pid)).toBeLessThan(Date.now() + 1_000);
    await stopDaemon(at, "some", 0);
    expect(recordedComponents(at)).toEqual([]);
  });

  it("is not started twice", () => {
    const at = folders();
    const pid = start(at, "sleep 60");
    startDaemon(at, { name: "some", command: { file: "/bin/sh", args: ["-c", "sleep 61"] } });
    expect(daemonPid(at, "some")).toBe(pid);
  });

  it("that was killed is not there any more, and can be started again", async () => {
    const at = folders();
    const pid = start(at, "sleep 60");
    process.kill(pid, "SIGKILL");
    await eventually(() => daemonPid(at, "some") === undefined);
    expect(start(at, "sleep 60")).not.toBe(pid);
  });

  it("whose number the kernel gave to another process does not count, and is not ended", async () => {
    const at = folders();
    const pid = start(at, "sleep 60");
    const file = join(at.pids, "some.pid");
    const identity = readFileSync(file, "utf8");
    expect(identity).toBe(`${String(pid)} ${startTime(pid) ?? ""}`);
    writeFileSync(file, `${String(process.pid)} ${startTime(pid) ?? ""}`);
    expect(daemonPid(at, "some")).toBeUndefined();
    await stopDaemon(at, "some", 0);
    expect(startTime(process.pid)).toBeDefined();
    writeFileSync(file, identity);
    expect(daemonPid(at, "some")).toBe(pid);
  });

  it.each(["", "abc", "12", "-1 5", "0 0", "4194999 1"])(
    "is not there where its file holds %j",
    (text) => {
      const at = folders();
      start(at, "sleep 60", "other");
      writeFileSync(join(at.pids, "some.pid"), text);
      expect(daemonPid(at, "some")).toBeUndefined();
    },
  );

  it("whose executable is missing is not there", () => {
    const at = folders();
    startDaemon(at, { name: "some", command: { file: "/no/such/program", args: [] } });
    expect(daemonPid(at, "some")).toBeUndefined();
  });

  it("ends by TERM, and by KILL when it does not listen", async () => {
    const at = folders();
    const polite = start(at, "sleep 60", "polite");
    await stopDaemon(at, "polite");
    expect(startTime(polite)).toBeUndefined();
    const deaf = start(at, "trap '' TERM; echo deaf; while :; do sleep 0.1; done", "deaf");
    await logged(at, "deaf", "deaf");
    await endProcess(deaf, 200);
    expect(startTime(deaf)).toBeUndefined();
  });
});

describe("the search for processes", () => {
  it("finds a process by an argument", () => {
    const at = folders();
    const mark = join(at.logs, "mark");
    const pid = start(at, `sleep 60; : ${mark}`);
    expect(processesWhere((args) => args.some((arg) => arg.includes(mark)))).toContain(pid);
  });
});

describe("a command", () => {
  it("gives its standard output", async () => {
    expect(await run("saying so", { file: "echo", args: ["so"] })).toBe("so");
  });

  it("runs in the cluster's network namespace, and on loopback as it is", () => {
    const command = { file: "ip", args: ["link"] };
    expect(inNetwork({ kind: "loopback", address: "127.0.0.1" }, command)).toBe(command);
    const network = {
      kind: "namespace",
      namespace: "drydock-dev",
      hostInterface: "dd-1",
      hostAddress: "10.213.0.1",
      address: "10.213.0.2",
    } as const;
    expect(inNetwork(network, command)).toEqual({
      file: "nsenter",
      args: ["--net=/run/netns/drydock-dev", "ip", "link"],
      namespaces: ["/run/netns/drydock-dev"],
    });
  });

  it.each([
    ["plain words", `echo "it broke" >&2; exit 1`, "it broke"],
    [
      "the last three lines",
      `for i in 1 2 3 4 5; do echo "line $i" >&2; done; exit 1`,
      "line 3; line 4; line 5",
    ],
    [
      "the cause out of a JSON log line",
      `echo '{"level":"ERROR","msg":"Failed to create cluster","err":"port 6443 is in use"}' >&2; exit 1`,
      "port 6443 is in use",
    ],
    [
      "the message of a JSON log line without a cause",
      `echo '{"level":"INFO","msg":"Cluster is creating"}' >&2; exit 1`,
      "Cluster is creating",
    ],
    ["a line that only looks like JSON", `echo '{broken' >&2; exit 1`, "{broken"],
  ])("that fails says what failed and why: %s", async (_, script, why) => {
    const program = join(temporaryFolder(), "tool");
    writeExecutable(program, `#!/bin/sh\n${script}\n`);
    await expect(run("starting the control plane", { file: program, args: [] })).rejects.toThrow(
      new LocalClusterError("starting the control plane failed (tool)", { why }),
    );
  });

  it("that fails without a word still says how it ended", async () => {
    const program = join(temporaryFolder(), "tool");
    writeExecutable(program, "#!/bin/sh\nexit 3\n");
    await expect(run("trying", { file: program, args: [] })).rejects.toThrow(/exit code 3/);
  });

  it("stops when it is told to", async () => {
    const stop = new AbortController();
    const running = run("waiting", { file: "sleep", args: ["60"] }, stop.signal);
    setTimeout(() => stop.abort(new Error("interrupted")), 50);
    await expect(running).rejects.toThrow("interrupted");
  });
});
