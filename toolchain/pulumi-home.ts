import { mkdir, readFile, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";

import { Downloader } from "./download";
import { reasonOf } from "./errors";
import { findOnPath, isExecutable } from "./probe";
import type { Environment } from "./paths";
import { KUBERNETES_PLUGIN_VERSION } from "./tools";

const PLUGIN_SERVER = "https://get.pulumi.com/releases/plugins/";
const ANSWER_MS = 4_000;
const INSTALL_MS = 180_000;
const RETRY_AFTER_MS = 6 * 60 * 60 * 1000;
const PLUGIN = "pulumi-resource-kubernetes";
const PLUGIN_FOLDER = `resource-kubernetes-v${KUBERNETES_PLUGIN_VERSION}`;

export interface PulumiHomeOptions {
  readonly root: string;
  readonly env: Environment;
  readonly cacheDirectory: string;
  /** The CLI that would install the official plugin. */
  readonly pulumi: string;
  readonly signal?: AbortSignal | undefined;
  /** Whose answer shows that the official plugin can be had. */
  readonly pluginServer?: string;
}

export interface PulumiHome {
  /** Absent: the user's own home serves. */
  readonly home?: string;
  /** Why the stand-in is used; present only when it was put there just now. */
  readonly note?: string;
}

/** `$PULUMI_HOME`, by default `~/.pulumi`. */
export function userPulumiHome(env: Environment): string {
  const configured = env.PULUMI_HOME ?? "";
  return configured === "" ? join(env.HOME ?? homedir(), ".pulumi") : configured;
}

/**
 * Sees to a Kubernetes plugin: the official one, where it is installed or can be installed; otherwise a
 * PULUMI_HOME of the project's own in which the stand-in is linked, beside the user's other plugins.
 */
export async function choosePulumiHome(options: PulumiHomeOptions): Promise<PulumiHome> {
  const { env, root } = options;
  if (await hasOfficialPlugin(env)) return {};
  const failure = await installOfficialPlugin(options);
  if (failure === undefined) return {};
  const home = join(root, ".drydock", "home");
  const linked = await linkStandIn(root, userPulumiHome(env), home);
  await leaveOutLogs(home);
  if (!linked) return { home };
  const note =
    `The official Kubernetes plugin ${KUBERNETES_PLUGIN_VERSION} could not be installed (${failure}). ` +
    "Drydock's own stand-in serves instead; it keeps its state as the official plugin does.";
  return { home, note };
}

/** Installed in the user's home, or on PATH, which Pulumi asks first. */
export async function hasOfficialPlugin(env: Environment): Promise<boolean> {
  if ((await findOnPath(PLUGIN, env)) !== undefined) return true;
  return isExecutable(join(userPulumiHome(env), "plugins", PLUGIN_FOLDER, PLUGIN));
}

/** @returns why it cannot be had; remembered for six hours, so that an unconnected machine waits once */
async function installOfficialPlugin(options: PulumiHomeOptions): Promise<string | undefined> {
  const { cacheDirectory, env } = options;
  if (env.DRYDOCK_DOWNLOADS === "off") return "DRYDOCK_DOWNLOADS is off";
  const memory = join(cacheDirectory, `${PLUGIN_FOLDER}.json`);
  const remembered = await readFailure(memory);
  if (remembered !== undefined) return remembered;
  try {
    await install(options);
    return undefined;
  } catch (error) {
    options.signal?.throwIfAborted();
    const reason = reasonOf(error).split("\n")[0] ?? "no reason given";
    // Where the cache cannot be written, the next run asks again.
    await mkdir(cacheDirectory, { recursive: true })
      .then(() => writeFile(memory, JSON.stringify({ reason })))
      .catch(() => undefined);
    return reason;
  }
}

async function readFailure(memory: string): Promise<string | undefined> {
  try {
    const age = Date.now() - (await stat(memory)).mtimeMs;
    if (age > RETRY_AFTER_MS) return undefined;
    return (JSON.parse(await readFile(memory, "utf8")) as { reason: string }).reason;
  } catch {
    return undefined;
  }
}

async function install({
  pulumi,
  env,
  signal,
  pluginServer = PLUGIN_SERVER,
}: PulumiHomeOptions): Promise<void> {
  const limits = { answer: ANSWER_MS, stall: ANSWER_MS, pause: 0 };
  const network = new Downloader(env, limits);
  try {
    await network.checkHost(pluginServer, signal);
  } finally {
    await network.close();
  }
  const args = ["plugin", "install", "resource", "kubernetes", KUBERNETES_PLUGIN_VERSION];
  await execa(pulumi, args, {
    env: { PULUMI_HOME: userPulumiHome(env), PULUMI_SKIP_UPDATE_CHECK: "true" },
    stdin: "ignore",
    timeout: INSTALL_MS,
    ...(signal && { cancelSignal: signal }),
  });
}

/** @returns whether the stand-in was not there before */
async function linkStandIn(root: string, userHome: string, home: string): Promise<boolean> {
  const plugins = join(home, "plugins");
  await mkdir(plugins, { recursive: true, mode: 0o700 });
  await linkUserPlugins(join(userHome, "plugins"), plugins);
  const folder = join(plugins, PLUGIN_FOLDER);
  const present = await isExecutable(join(folder, PLUGIN));
  if (present) return false;
  // Pulumi overlooks a plugin folder that is itself a link: the folder is real, the file is linked.
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  await symlink(join(root, "dist", "plugins", "kubernetes", PLUGIN), join(folder, PLUGIN));
  return true;
}

/**
 * The CLI keeps a debugging log of each command, one message for each property of each resource: with a
 * stand-in that is a sixth of a preview. It has no switch, and goes on without one where it cannot be made.
 * What the user has put there stays.
 */
async function leaveOutLogs(home: string): Promise<void> {
  const text =
    "Where this file is, Pulumi keeps no log of its own of each command: it takes a sixth of a preview.\n" +
    "To have it, put a folder in place of this file. `pulumi -v=9 --logtostderr` shows it at any time.\n";
  // Where it cannot be written, the CLI merely keeps its logs.
  await writeFile(join(home, "logs"), text, { flag: "wx" }).catch(() => undefined);
}

async function linkUserPlugins(from: string, to: string): Promise<void> {
  const entries = await readdir(from, { withFileTypes: true }).catch(() => []);
  const present = new Set(await readdir(to));
  for (const entry of entries) {
    if (!entry.isDirectory() || present.has(entry.name)) continue;
    const folder = join(to, entry.name);
    await mkdir(folder);
    for (const file of await readdir(join(from, entry.name))) {
      await symlink(join(from, entry.name, file), join(folder, file));
    }
  }
}
