import { createHash } from "node:crypto";

import { kindOf } from "./placeholder";
import type { RecordedResource } from "./recording/recorded";
import { isManifest } from "./manifest";

/** Leaves room for a kind and a checkout's path within the 255 of most file systems. */
const LONGEST = 80;
const STACK_TYPE = "pulumi:pulumi:Stack";

/**
 * The file of each resource but the stack, by URN: a folder for each component, named without its
 * parent's name, and in it `component.json` and `<name>.<Kind>.<json|yaml>`. Safe where case does not count, too.
 */
export function layout(resources: readonly RecordedResource[]): ReadonlyMap<string, string> {
  const byUrn = new Map(resources.map((one) => [one.urn, one]));
  const shown = resources.filter(({ type }) => type !== STACK_TYPE);
  const wanted = shown.map((one) => ({ one, path: fileOf(one, byUrn) }));
  const users = new Map<string, number>();
  for (const { path } of wanted) {
    users.set(path.toLowerCase(), (users.get(path.toLowerCase()) ?? 0) + 1);
  }
  return new Map(
    wanted.map(({ one, path }) => {
      const isTaken = (users.get(path.toLowerCase()) ?? 0) > 1;
      return [one.urn, isTaken ? withHash(path, identity(one)) : path];
    }),
  );
}

function fileOf(one: RecordedResource, byUrn: ReadonlyMap<string, RecordedResource>): string {
  const folders: string[] = [];
  const isComponent = !one.custom && !one.remote;
  let child: RecordedResource | undefined = isComponent ? one : byUrn.get(one.parent);
  while (child !== undefined && child.type !== STACK_TYPE) {
    const parent = byUrn.get(child.parent);
    folders.unshift(safe(relativeName(child.name, parent?.name)));
    child = parent;
  }
  if (isComponent) return [...folders, "component.json"].join("/");
  const extension = isManifest(one) ? "yaml" : "json";
  return [...folders, `${safe(one.name)}.${safe(kindOf(one.type))}.${extension}`].join("/");
}

function relativeName(name: string, parent = ""): string {
  return name.startsWith(`${parent}-`) ? name.slice(parent.length + 1) : name;
}

/** A name that every file system takes; a hash tells those apart that had to be changed. */
export function safe(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9._-]/g, "_").replace(/^\.+|\.+$/g, "_");
  const cut = plain.slice(0, LONGEST);
  // What Windows keeps for devices, with any extension.
  const isDevice = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i.test(cut);
  return cut === name && cut !== "" && !isDevice ? name : `${cut}~${hash(name)}`;
}

function withHash(path: string, text: string): string {
  return path.replace(/(\.[a-z]+)$/, `~${hash(text)}$1`);
}

/** The URN without the stack's name, so that stacks can be compared. */
function identity({ urn }: RecordedResource): string {
  return urn.split("::").slice(2).join("::");
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}
