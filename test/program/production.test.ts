import * as fs from "node:fs";
import * as path from "node:path";

import { beforeAll, describe, expect, it } from "vitest";

import { bill } from "../support/bill";
import { changedResources } from "../support/changed-resources";
import { recordProgram } from "../support/program";
import type { RecordedResource } from "../support/recorded";
import { root, stackFile } from "../support/stack-file";

const guide = fs.readFileSync(path.join(root, "docs/production.md"), "utf8");

const recorded = new Map<string, readonly RecordedResource[]>();

/** The cluster of the stack `prod`, with some keys set otherwise. */
async function prod(changes: object = {}): Promise<readonly RecordedResource[]> {
  const cluster = stackFile("prod").config["drydock:cluster"] as object;
  const changed = { "drydock:cluster": { ...cluster, ...changes } };
  const known = recorded.get(JSON.stringify(changes));
  const resources = known ?? (await recordProgram("prod", "update", changed)).resources;
  recorded.set(JSON.stringify(changes), resources);
  return resources;
}

const { nodes } = stackFile("prod").config["drydock:cluster"] as {
  nodes: { groups: { system: object } };
};
const system = (changes: object) => ({
  nodes: { groups: { system: { ...nodes.groups.system, ...changes } } },
});
const controlPlaneFirst = {
  kubernetesVersion: "1.36",
  upgradeFrom: "1.35",
  nodes: { ...nodes, kubernetesVersion: "1.35" },
};

/** What the guide has under a title, in its fenced block. */
function preview(heading: string): string[] {
  const section = guide.split(`\n### ${heading}\n`)[1]?.split(/\n##/)[0] ?? "";
  const block = /```text\n([^`]*)\n```/.exec(section)?.[1];
  if (block === undefined) throw new Error(`no preview under "${heading}"`);
  return block.split("\n");
}

describe("docs/production.md", () => {
  let now: readonly RecordedResource[];
  beforeAll(async () => {
    now = await prod();
  }, 60_000);

  it("tells how many resources the first deployment creates", () => {
    expect(guide).toContain(`\`+ ${now.length} to create\``);
  });

  it.each([
    ["The control plane first", { kubernetesVersion: "1.35" }, controlPlaneFirst],
    ["Then the nodes", controlPlaneFirst, {}],
    ["A new AMI release", {}, system({ releaseVersion: "1.36.3-20260801" })],
    ["A bigger disk", {}, system({ diskGiB: 100 })],
    ["Another instance type", {}, system({ instanceTypes: ["m7i.xlarge"] })],
    ["Take the protection off", {}, { protect: false }],
  ])("says what preview shows: %s", async (heading, before, after) => {
    expect(preview(heading)).toEqual(changedResources(await prod(before), await prod(after)));
  });

  it("counts what costs by the hour as the stacks declare it", async () => {
    const small = (await recordProgram("small", "update")).resources;
    const rows = bill({ prod: now, small });
    const section = guide.split("\n## What it costs\n")[1] ?? "";
    const [, table = ""] = /\n\n(\|[^]*?)\n\n/.exec(section) ?? [];
    const cells = table
      .split("\n")
      .slice(2)
      .map((line) => line.split("|").slice(1, -1))
      .map((row) => row.map((cell) => cell.trim().replaceAll("*", "")));
    expect(cells).toEqual(rows);
  });
});
