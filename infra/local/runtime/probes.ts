import { mkdirSync, mkdtempSync, rmSync, rmdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { execa } from "execa";

import { tryUnifiedCgroup } from "./cgroup-v2";
import { CGROUP_ROOT, isCgroupV2 } from "./cgroups";
import { closedRules } from "../network-policy/apply";
import { SYSTEM_PATH } from "./process";

export interface Probe {
  readonly name:
    "linux" | "root" | "namespace" | "mount" | "overlayfs" | "iptables" | "nftables" | "cgroup";
  readonly ok: boolean;
  /** One sentence: what is not permitted, and what mends it where something can. */
  readonly reason?: string;
}

/**
 * What this machine permits, tried for real and undone at once. Later probes are left out where an
 * earlier one already decides.
 *
 * @param path where programs are looked for; by default where the runtime finds them
 */
export async function probeHost(path: string = SYSTEM_PATH): Promise<Probe[]> {
  if (process.platform !== "linux") {
    return [fail("linux", `a real node needs Linux, and this is ${process.platform}`)];
  }
  if (process.getuid?.() !== 0) {
    return [
      fail("root", "a real node needs root, and this user is not root (use sudo for a real one)"),
    ];
  }
  const name = `drydock-probe-${String(process.pid)}`;
  const inside = ["nsenter", `--net=/run/netns/${name}`];
  try {
    const namespace = await attempt(
      "namespace",
      "network namespaces are not permitted here",
      path,
      [
        ["ip", "netns", "add", name],
        [...inside, "ip", "link", "set", "lo", "up"],
      ],
    );
    if (!namespace.ok) {
      return [namespace];
    }
    const iptables = attempt("iptables", "iptables does not work in a network namespace here", path, [
      [...inside, "iptables", "-t", "nat", "-N", "DRYDOCK-PROBE"],
      // kube-proxy's rules need these matches and targets of the kernel.
      [...inside, "iptables", "-t", "nat", "-A", "DRYDOCK-PROBE", "-m", "comment",
        "--comment", "probe", "-m", "statistic", "--mode", "random", "--probability", "0.5",
        "-j", "MASQUERADE"],
    ]); // prettier-ignore
    const nftables = attempt("nftables", "nftables does not work in a network namespace here", path, [
      // What the rules of network policies need of the kernel.
      [...inside, "nft", closedRules()],
    ]); // prettier-ignore
    const probes = await Promise.all([iptables, nftables, probeMounts(path)]);
    return [namespace, ...probes.flat(), probeCgroup()];
  } finally {
    await execa("ip", ["netns", "delete", name], { reject: false, env: { PATH: path } });
  }
}

/** The reasons of all failed probes. Empty: a real node can run here. */
export function failedReasons(probes: readonly Probe[]): string[] {
  return probes.flatMap((probe) => (probe.ok ? [] : [probe.reason ?? probe.name]));
}

async function probeMounts(path: string): Promise<Probe[]> {
  const folder = mkdtempSync(join(tmpdir(), "drydock-probe-"));
  try {
    const mount = await attempt("mount", "mounting a file system is not permitted here", path, [
      ["mount", "-t", "tmpfs", "tmpfs", folder],
    ]);
    if (!mount.ok) {
      return [mount];
    }
    for (const name of ["lower", "upper", "work", "merged"]) {
      mkdirSync(join(folder, name));
    }
    const options = `lowerdir=${folder}/lower,upperdir=${folder}/upper,workdir=${folder}/work`;
    const overlay = await attempt("overlayfs", "overlayfs cannot be mounted here", path, [
      ["mount", "-t", "overlay", "overlay", "-o", options, join(folder, "merged")],
    ]);
    await execa("umount", [join(folder, "merged")], { reject: false, env: { PATH: path } });
    return [mount, overlay];
  } finally {
    await execa("umount", [folder], { reject: false, env: { PATH: path } });
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param root where control groups are mounted */
export function probeCgroup(root: string = CGROUP_ROOT): Probe {
  const name = `drydock-probe-${String(process.pid)}`;
  try {
    if (isCgroupV2(root)) tryUnifiedCgroup(root, join(root, name));
    else tryMemoryCgroup(join(root, "memory", name));
    return { name: "cgroup", ok: true };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return fail("cgroup", `control groups cannot be made here (${why})`);
  }
}

/** On v1. */
function tryMemoryCgroup(folder: string): void {
  mkdirSync(folder);
  try {
    writeFileSync(join(folder, "memory.limit_in_bytes"), "1073741824");
  } finally {
    rmdirSync(folder);
  }
}

async function attempt(
  name: Probe["name"],
  what: string,
  path: string,
  commands: string[][],
): Promise<Probe> {
  const options = { reject: false, stdin: "ignore", timeout: 10_000, env: { PATH: path } } as const;
  for (const [file = "", ...args] of commands) {
    const result = await execa(file, args, options);
    if (result.exitCode !== 0) {
      const said = result.stderr.trim().split("\n").at(-1) ?? "";
      // nsenter names what it could not start in its own words.
      const missing =
        result.code === "ENOENT" ? file : /failed to execute (\S+): No such file/.exec(said)?.[1];
      const why =
        missing === undefined
          ? said
          : `${missing} is not installed: apt-get install iproute2 iptables nftables util-linux mount`;
      return fail(name, `${what} (${why})`);
    }
  }
  return { name, ok: true };
}

function fail(name: Probe["name"], reason: string): Probe {
  return { name, ok: false, reason };
}
