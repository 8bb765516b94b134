import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, describe, expect, it } from "vitest";

import { deleteCluster } from "../../infra/local/runtime/delete";
import { createMountNamespace, FIXED_FOLDERS, inMounts } from "../../infra/local/runtime/mounts";
import { type ClusterPaths, clusterPaths } from "../../infra/local/runtime/paths";
import { asRoot, findProgram } from "./support/host";

const NAME = `t-mounts-${String(process.pid)}`;

describe.skipIf(!asRoot)("the mount namespaces of two clusters", () => {
  const clusters = [`${NAME}-a`, `${NAME}-b`].map((name) => ({
    name,
    project: mkdtempSync(join(tmpdir(), "drydock-mounts-")),
  }));
  const [first, second] = clusters.map(({ name, project }) => clusterPaths(project, name));

  afterEach(async () => {
    for (const { name, project } of clusters) {
      await deleteCluster(project, name);
      rmSync(project, { recursive: true, force: true });
    }
  });

  it("share their mount points, which stay until the last one is removed", async () => {
    if (first === undefined || second === undefined) {
      throw new Error("two clusters are made above");
    }
    const before = FIXED_FOLDERS.filter((path) => existsSync(path));
    for (const paths of [first, second]) {
      mkdirSync(paths.root, { recursive: true });
      mkdirSync(paths.run, { recursive: true, mode: 0o700 });
      writeFileSync(join(paths.run, "owner"), paths.root);
      await createMountNamespace(paths);
      // A second time it completes what is there, and mounts nothing twice.
      await createMountNamespace(paths);
      expect((await mountsIn(paths)).filter(isFixed)).toEqual(FIXED_FOLDERS);
    }
    await deleteCluster(clusters[0]?.project ?? "", `${NAME}-a`);
    expect((await mountsIn(second)).filter(isFixed)).toEqual(FIXED_FOLDERS);
    await deleteCluster(clusters[1]?.project ?? "", `${NAME}-b`);
    // A cluster of somebody else that runs beside this test keeps them, and the note of them.
    const noted = existsSync(NOTE) ? (JSON.parse(readFileSync(NOTE, "utf8")) as string[]) : [];
    const after = FIXED_FOLDERS.filter((path) => existsSync(path) && !noted.includes(path));
    expect(before).toEqual(expect.arrayContaining(after));
  });
});

const NOTE = "/run/drydock/mount-points.json";

function isFixed(path: string): boolean {
  return FIXED_FOLDERS.includes(path);
}

async function mountsIn(paths: ClusterPaths): Promise<string[]> {
  const { file, args } = inMounts(paths, { file: "cat", args: ["/proc/self/mountinfo"] });
  const { stdout } = await findProgram(file).run(...args);
  return stdout.split("\n").map((line) => line.split(" ")[4] ?? "");
}
