import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What the kubelet limits pods by and does not start without. */
const NEEDED = ["cpu", "cpuset", "memory", "pids"];
/** It insists on these too where the host has them. */
const WHERE_OFFERED = ["hugetlb"];
/** For whoever sets limits by hand: pods do without. */
const WELCOME = ["io"];

/**
 * Makes a cgroup of the single hierarchy, whose children can have limits of their own.
 *
 * @param root of the hierarchy
 * @throws Error where a controller is not there, or cannot be passed on
 */
export function makeUnifiedCgroup(root: string, folder: string): void {
  const offered = words(join(root, "cgroup.controllers"));
  const missing = NEEDED.filter((name) => !offered.includes(name));
  if (missing.length > 0) {
    throw new Error(`${root} has no controller ${missing.join(", ")}`);
  }
  mkdirSync(folder, { recursive: true });
  const wanted = [...NEEDED, ...WHERE_OFFERED, ...WELCOME];
  const controllers = wanted.filter((name) => offered.includes(name));
  for (const level of [root, folder]) passOn(level, controllers);
}

/**
 * Makes one and removes it, with what it changed above it.
 * @throws Error as {@link makeUnifiedCgroup}
 */
export function tryUnifiedCgroup(root: string, folder: string): void {
  const before = words(subtreeControl(root));
  try {
    makeUnifiedCgroup(root, folder);
  } finally {
    undo(() => rmdirSync(folder));
    for (const name of words(subtreeControl(root)).filter((it) => !before.includes(it))) {
      undo(() => writeFileSync(subtreeControl(root), `-${name}`));
    }
  }
}

/** Gives controllers to the children. A cgroup that has processes of its own cannot, but for the host's root. */
function passOn(folder: string, controllers: readonly string[]): void {
  const given = words(subtreeControl(folder));
  for (const name of controllers.filter((it) => !given.includes(it))) {
    try {
      writeFileSync(subtreeControl(folder), `+${name}`);
    } catch (error) {
      if (!WELCOME.includes(name)) throw error;
    }
  }
}

const subtreeControl = (folder: string) => join(folder, "cgroup.subtree_control");

const words = (file: string): string[] =>
  readFileSync(file, "utf8").trim().split(" ").filter(Boolean);

function undo(action: () => void): void {
  try {
    action();
  } catch {
    // It was never made, or another has come to need it.
  }
}
