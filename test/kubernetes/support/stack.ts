import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import {
  LocalWorkspace,
  PulumiCommand,
  type OutputMap,
  type Stack,
  type UpdateSummary,
} from "@pulumi/pulumi/automation";

import { KubernetesProvider } from "../../../toolchain/kubernetes/provider";
import { bundle } from "../../support/bundle";

/** A stack driven by the real CLI, with this provider as its plugin and everything in one folder. */
export interface TestStack {
  /** Its runs give a summary, and no outputs. */
  readonly stack: Stack;
  outputs(): Promise<OutputMap>;
  /** Everything of the stack is below it. */
  readonly folder: string;
  /** All that the backend has on disk, as one text. */
  stored(): Promise<string>;
  /** Files by which a run keeps others away. */
  locks(): Promise<string[]>;
  remove(): Promise<void>;
}

/** Bundles the plugin into a temporary PULUMI_HOME and makes a stack on a file backend there. */
export async function createTestStack(
  binaries: string,
  program: () => Promise<Record<string, unknown> | undefined>,
): Promise<TestStack> {
  const folder = await mkdtemp(join(tmpdir(), "drydock-stack-"));
  const path = (...parts: string[]) => join(folder, ...parts);
  const { version } = new KubernetesProvider();
  const plugin = path("home", "plugins", `resource-kubernetes-v${version}`);
  await Promise.all([mkdir(plugin, { recursive: true }), mkdir(path("state")), mkdir(path("bin"))]);
  await bundlePlugin(join(plugin, "pulumi-resource-kubernetes"));
  await symlink(join(binaries, "pulumi"), path("bin", "pulumi"));
  const stack = await LocalWorkspace.createStack(
    { stackName: "test", projectName: "drydock-kubernetes", program },
    {
      pulumiCommand: await PulumiCommand.get({ root: folder, skipVersionCheck: true }),
      pulumiHome: path("home"),
      envVars: {
        PULUMI_BACKEND_URL: `file://${path("state")}`,
        PULUMI_CONFIG_PASSPHRASE: "test",
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
      },
    },
  );
  const outputs = stack.outputs.bind(stack);
  // After each run the SDK starts the CLI three times more, for what a test seldom asks: a third of its time.
  stack.outputs = () => Promise.resolve({});
  stack.info = () => newestSummary(path("state", ".pulumi", "history"));
  return {
    stack,
    outputs,
    folder,
    stored: () => contents(path("state")),
    locks: () => files(path("state", ".pulumi", "locks")),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** One executable file, as `npm ci` builds it. */
export async function bundlePlugin(outfile: string): Promise<void> {
  await bundle("toolchain/kubernetes/main.ts", outfile);
}

/** What `pulumi stack history` reads: a file for each run, whose name ends in its time. */
async function newestSummary(history: string): Promise<UpdateSummary | undefined> {
  const runs = (await files(history)).filter((file) => file.endsWith(".history.json")).sort();
  const newest = runs.at(-1);
  if (newest === undefined) return undefined;
  return JSON.parse(await readFile(newest, "utf8")) as UpdateSummary;
}

async function contents(folder: string): Promise<string> {
  const texts = (await files(folder)).map((file) => readFile(file, "utf8"));
  return (await Promise.all(texts)).join("\n");
}

async function files(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((file) => join(file.parentPath, file.name));
}
