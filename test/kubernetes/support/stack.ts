import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { LocalWorkspace, PulumiCommand, type Stack } from "@pulumi/pulumi/automation";

import { KubernetesProvider } from "../../../toolchain/kubernetes/provider";
import { bundle } from "../../support/bundle";

/** A stack driven by the real CLI, with this provider as its plugin and everything in one folder. */
export interface TestStack {
  readonly stack: Stack;
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
  return {
    stack,
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

async function contents(folder: string): Promise<string> {
  const texts = (await files(folder)).map((file) => readFile(file, "utf8"));
  return (await Promise.all(texts)).join("\n");
}

async function files(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((file) => join(file.parentPath, file.name));
}
