import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";

import { charts } from "../../../infra/eks/versions";

/**
 * The folder with Karpenter's custom resource definitions, of the version that its chart is pinned to: the
 * Go module of the project carries them.
 * @returns what to tell where it cannot be had: without Go, or without its module proxy
 */
export async function karpenterDefinitions(): Promise<{ folder: string } | { missing: string }> {
  const module = `github.com/aws/karpenter-provider-aws@v${charts.karpenter.version}`;
  const cwd = await mkdtemp(path.join(os.tmpdir(), "drydock-crds-"));
  try {
    const run = promisify(execFile);
    const { stdout } = await run("go", ["mod", "download", "-json", module], { cwd });
    return { folder: path.join((JSON.parse(stdout) as { Dir: string }).Dir, "pkg/apis/crds") };
  } catch (error) {
    const { stdout = "", message } = error as { stdout?: string; message: string };
    return { missing: `${module} cannot be had: ${stdout === "" ? message : stdout}` };
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}
