import * as fs from "node:fs";
import * as path from "node:path";

import { beforeAll, describe, expect, it } from "vitest";

import { differences } from "../../review/diff";
import { placeholder } from "../../review/placeholder";
import { recordProgram } from "../../review/recording/program";
import type { Recording } from "../../review/recording/recorder";
import { root, stackFile } from "../../review/recording/stack-file";
import { render } from "../../review/render";
import { bill } from "../support/bill";
import { changesOf } from "../support/stacks";

const guide = fs.readFileSync(path.join(root, "docs/production.md"), "utf8");

const recorded = new Map<string, Recording>();

/** The cluster of the stack `prod`, with some keys set otherwise. */
async function prod(keys: object = {}): Promise<Recording> {
  const cluster = stackFile("prod").config["drydock:cluster"] as object;
  const changes = { "drydock:cluster": { ...cluster, ...keys } };
  const known = recorded.get(JSON.stringify(keys));
  const recording =
    known ?? (await recordProgram("prod", "update", { changes, standIn: placeholder }));
  recorded.set(JSON.stringify(keys), recording);
  return recording;
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
  let now: Recording;
  beforeAll(async () => {
    now = await prod();
  });

  it("tells how many resources the first deployment creates", () => {
    expect(guide).toContain(`\`+ ${now.resources.length} to create\``);
  });

  it.each([
    ["The control plane first", { kubernetesVersion: "1.35" }, controlPlaneFirst],
    ["Then the nodes", controlPlaneFirst, {}],
    ["A new AMI release", {}, system({ releaseVersion: "1.36.3-20260801" })],
    ["A bigger disk", {}, system({ diskGiB: 100 })],
    ["Another instance type", {}, system({ instanceTypes: ["m7i.xlarge"] })],
    ["Take the protection off", {}, { protect: false }],
  ])("says what preview shows: %s", async (heading, before, after) => {
    const [was, is] = [await prod(before), await prod(after)];
    expect(preview(heading)).toEqual(differences(render(was, {}), render(is, {})));
  });

  it("says what preview shows of the uploader's token", async () => {
    const changes = changesOf("prod with external secrets");
    const is = await recordProgram("prod", "update", { changes, standIn: placeholder });
    expect(preview("The uploader's token")).toEqual(differences(render(now, {}), render(is, {})));
  });

  it("counts what costs by the hour as the stacks declare it", async () => {
    const small = await recordProgram("small", "update");
    const rows = bill({ prod: now.resources, small: small.resources });
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
