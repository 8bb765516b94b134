import { copyFile, mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";

import { bundle } from "../../support/bundle";
import { root } from "../../../review/recording/stack-file";

export interface BuiltPack {
  /** For `--policy-pack`: the executable, and the folder that the language host runs. */
  readonly executable: string;
  readonly folder: string;
}

/** Builds the pack below a folder as `npm run build` does, both ways to load it. */
export async function buildPack(below: string): Promise<BuiltPack> {
  const [output, folder] = [join(below, "dist", "policy"), join(below, "policy")];
  await Promise.all([mkdir(output, { recursive: true }), mkdir(folder, { recursive: true })]);
  const executable = join(output, "drydock-policy");
  await bundle("policy/main.ts", executable);
  for (const name of ["package.json", "PulumiPolicy.yaml"]) {
    await copyFile(join(root, "policy", name), join(folder, name));
  }
  await copyFile(join(root, "policy/package.json"), join(output, "package.json"));
  await symlink(join(root, "node_modules"), join(below, "node_modules"));
  return { executable, folder };
}
