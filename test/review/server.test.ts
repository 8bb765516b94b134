import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";

import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { parse } from "yaml";

import { readRendering } from "../../review/files";
import { stackNames } from "../../review/stack";
import { type ControlPlane, startControlPlane } from "../support/control-plane";
import { karpenterDefinitions } from "./support/karpenter";

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}
interface Committed {
  readonly file: string;
  readonly text: string;
  readonly manifest: Manifest;
}

/** The Kubernetes objects of expected/, as they are committed. */
function committed(stack: string): Committed[] {
  return [...readRendering(stack)]
    .filter(([file]) => file.includes("/") && file.endsWith(".yaml"))
    .map(([file, text]) => ({ file, text, manifest: parse(text) as Manifest }));
}

const isKarpenters = ({ manifest }: Committed) => manifest.apiVersion.startsWith("karpenter.");
const isNamespace = ({ manifest }: Committed) => manifest.kind === "Namespace";

let plane: ControlPlane;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "drydock-rendered-"));
  // Where a cluster of kubeadm, and the local one, has the address of its name server.
  plane = await startControlPlane({ serviceRange: "10.96.0.0/16" });
  await writeFile(path.join(folder, "kubeconfig"), plane.kubeconfig);
});
afterAll(async () => {
  await plane.stop();
  await rm(folder, { recursive: true, force: true });
});

const kubectl = (...args: string[]) =>
  promisify(execFile)(path.join(inject("binaries"), "kubectl"), [
    `--kubeconfig=${path.join(folder, "kubeconfig")}`,
    ...args,
  ]);

/** @returns what the server says of each */
async function apply(texts: readonly string[], ...flags: string[]): Promise<string[]> {
  const file = path.join(folder, "manifests.yaml");
  await writeFile(file, texts.join("---\n"));
  const { stdout } = await kubectl("apply", "-f", file, ...flags);
  return stdout.trimEnd().split("\n");
}

describe.each(stackNames())("the committed manifests of %s", (stack) => {
  const all = committed(stack);
  const builtIn = all.filter((one) => !isKarpenters(one));
  const namespaces = all.filter(isNamespace).map(({ text }) => text);
  const texts = builtIn.map(({ text }) => text);

  it("are accepted by a server, each with the fields that the API knows", async () => {
    await apply(namespaces);
    const said = await apply(texts, "--dry-run=server", "--validate=strict");
    expect(said.filter((line) => line.endsWith("(server dry run)"))).toHaveLength(texts.length);
    expect(texts.length).toBeGreaterThanOrEqual(10);
    const wrong = texts.map((text) => text.replace("  replicas:", "  repplicas:"));
    await expect(apply(wrong, "--dry-run=server", "--validate=strict")).rejects.toThrow(
      /unknown field "spec.repplicas"/,
    );
  });

  it("make pods that their namespace admits", async () => {
    await apply(texts);
    const made = ["--for=jsonpath={.status.replicas}=3", "deployment/nginx", "-n=web"];
    const { stdout } = await kubectl("wait", ...made, "--timeout=15s");
    expect(stdout).toContain("condition met");
  });

  afterAll(async () => {
    // The class of a Service and the claims of a StatefulSet cannot change.
    await kubectl("delete", "deployment,statefulset,service", "--all", "-n=web");
  });

  it("name nothing that is not among them", () => {
    const text = builtIn.map((one) => one.text).join("\n");
    const named = [...text.matchAll(/[\w-]+-x{8}\b/g)].map(([name]) => name);
    const names = new Set(builtIn.map(({ manifest }) => manifest.metadata.name));
    expect(named.length).toBeGreaterThanOrEqual(2);
    expect(named.filter((name) => !names.has(name))).toEqual([]);
  });
});

describe("the objects of Karpenter", () => {
  it("are accepted with the definitions of its release, once AWS has told its identifiers", async ({
    skip,
  }) => {
    const found = await karpenterDefinitions();
    if ("missing" in found) return skip(found.missing);
    const texts = committed("prod")
      .filter(isKarpenters)
      // The definitions say how an identifier looks, and a placeholder does not look so.
      .map(({ text }) =>
        text
          .replace(/<Subnet [^>]+\.id>/g, "subnet-0")
          .replace(/<\S+ [^>]+SecurityGroupId>/g, "sg-0"),
      );
    await kubectl("apply", "--server-side", "-f", found.folder);
    await kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s");
    const said = await apply(texts, "--dry-run=server", "--validate=strict");
    expect(said.sort()).toEqual([
      "ec2nodeclass.karpenter.k8s.aws/default created (server dry run)",
      "nodepool.karpenter.sh/default created (server dry run)",
    ]);
    const wrong = texts.map((text) => text.replace("operator: In", "operator: Inn"));
    await expect(apply(wrong, "--dry-run=server")).rejects.toThrow(/Unsupported value: "Inn"/);
  });
});
