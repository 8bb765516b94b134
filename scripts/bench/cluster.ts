import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { execa } from "execa";
import { parse } from "yaml";

import { cgroupPids } from "../../infra/local/runtime/cgroups";
import { clusterPaths } from "../../infra/local/runtime/paths";
import { type Measurement, root } from "./measure";

/**
 * From nothing to a page, with the tools in the cache: until nginx answers first, as peers measure it, and until
 * `npm start` ends, when every app and add-on is ready.
 * @throws Error where the dev cluster runs already: then there is nothing to measure
 */
export async function startToPage(): Promise<Measurement[]> {
  if (clusterPids().length > 0) {
    throw new Error(
      "The dev cluster runs already. `npm run down` makes room for this measurement.",
    );
  }
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  const ended = new AbortController();
  const page = firstAnswer(ended.signal).then(seconds, () => Number.NaN);
  const [made, ready] = ["starting the control plane", "starting the node"] as const;
  const seen = new Map<string, number>();
  try {
    const options = { cwd: root, stdin: "ignore", stdout: ["pipe", 2], stderr: 2 } as const;
    for await (const line of execa("npm", ["start", "--", "--yes"], options)) {
      for (const step of [made, ready].filter((it) => line.includes(it))) {
        if (!seen.has(step)) seen.set(step, seconds());
      }
    }
  } finally {
    ended.abort();
  }
  const end = seconds();
  const controlPlane = (seen.get(ready) ?? Number.NaN) - (seen.get(made) ?? Number.NaN);
  return [
    { name: "control plane, from its start to ready", value: controlPlane, unit: "s", limit: 5 },
    { name: "npm start, nothing running, to HTTP 200", value: await page, unit: "s", limit: 20 },
    { name: "until every app and add-on is ready too", value: end, unit: "s" },
  ];
}

/** Until the page of nginx answers. @throws the signal's reason where it does not before that */
async function firstAnswer(signal: AbortSignal): Promise<void> {
  const { "drydock:apps": apps } = stackConfig();
  const answers = () =>
    fetch(`http://127.0.0.1:${apps.nginx.port}/`, { signal }).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await answers())) await sleep(50, undefined, { signal });
}

/** Resident memory of what the cluster is made of, and of the pods that it runs: its add-ons and the apps. */
export function clusterMemory(): Measurement[] {
  const pods = new Set(podPids());
  const components = clusterPids().filter((pid) => !pods.has(pid));
  return [
    { name: "components of the cluster", value: components.length, unit: "" },
    { name: "their resident memory", value: megabytes(components), unit: "MB", limit: 900 },
    { name: "what of it they share counted once", value: shares(components), unit: "MB" },
    { name: "processes in its pods", value: pods.size, unit: "" },
    { name: "their resident memory", value: megabytes([...pods]), unit: "MB" },
  ];
}

function clusterPids(): number[] {
  const { root: data, run } = clusterPaths(root, clusterName());
  const belongs = (pid: number) => {
    const command = read(`/proc/${pid}/cmdline`);
    return command.includes(data) || command.includes(run);
  };
  const processes = fs.readdirSync("/proc").map(Number).filter(Number.isInteger);
  return [...new Set([...processes.filter(belongs), ...podPids()])];
}

const podPids = () => cgroupPids(clusterName());

const clusterName = () => stackConfig()["drydock:cluster"].name;

function stackConfig() {
  const file = parse(fs.readFileSync(path.join(root, "Pulumi.dev.yaml"), "utf8")) as {
    config: {
      "drydock:cluster": { name: string };
      "drydock:apps": { nginx: { port: number } };
    };
  };
  return file.config;
}

const MB_IN_KIB = 1024 / 1_000_000;

const megabytes = (pids: readonly number[]) =>
  pids.reduce((sum, pid) => sum + kibibytes(pid, "status", "VmRSS"), 0) * MB_IN_KIB;

/** The kernel writes kB, and means 1,024 bytes. */
function kibibytes(pid: number, file: "status" | "smaps_rollup", key: string): number {
  return Number(
    new RegExp(`^${key}:\\s+(\\d+) kB$`, "m").exec(read(`/proc/${pid}/${file}`))?.[1] ?? 0,
  );
}

/** Proportional set size: several shims map one program, which lies in memory once. */
const shares = (pids: readonly number[]) =>
  pids.reduce((sum, pid) => sum + kibibytes(pid, "smaps_rollup", "Pss"), 0) * MB_IN_KIB;

/** A process may end while it is looked at. */
function read(file: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
