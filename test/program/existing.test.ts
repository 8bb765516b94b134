import { beforeAll, describe, expect, it } from "vitest";

import { containsSecret } from "../../toolchain/plugin/values";
import { detected, detection } from "../../review/recording/models/existing";
import { recordProgram } from "../../review/recording/program";
import type { Recording } from "../../review/recording/recorder";
import { recordingText } from "../../review/recording/recording";

const registry = "localhost:5001";
const cluster = { kind: "existing", context: "kind-dev", registry };

/** The dev stack on a cluster that somebody else made. What the cluster is, is recorded, not real. */
const recordExisting = (
  mode: "preview" | "update" = "update",
  found = detection,
  changes: Readonly<Record<string, unknown>> = {},
) =>
  recordProgram("dev", mode, {
    changes: { "drydock:cluster": cluster, ...changes },
    functions: { "drydock:existing:detect": () => detected(found) },
  });

function inputsOf({ resources }: Recording, type: string, name: string) {
  const found = resources.find((one) => one.type === type && one.name === name);
  if (found === undefined) throw new Error(`There is no ${type} ${name}.`);
  return found.inputs;
}

describe("the dev stack on an existing cluster", () => {
  let recording: Recording;
  beforeAll(async () => {
    recording = await recordExisting();
  });

  it("makes no cluster, and all else as on a local one", async () => {
    const local = await recordProgram("dev", "update");
    const titles = ({ resources }: Recording) =>
      resources
        .filter(({ name, type }) => !name.startsWith("cluster") && type !== "drydock:local:Image")
        .filter(({ type }) => type !== "drydock:images:Published")
        .map(({ type, name }) => `${type} ${name}`)
        .sort();
    expect(titles(recording)).toEqual(titles(local));
    expect(
      recording.resources
        .filter(({ name }) => name.startsWith("cluster"))
        .map(({ type }) => type)
        .sort(),
    ).toEqual([
      "drydock:existing:Cluster",
      "drydock:infra:ExistingCluster",
      "pulumi:providers:kubernetes",
    ]);
  });

  it("tells one cluster from another by its identity, not by its address", () => {
    const provider = inputsOf(recording, "pulumi:providers:kubernetes", "cluster-kubernetes");
    expect(provider.clusterIdentifier).toBe(detection.uid);
    expect(containsSecret(provider.kubeconfig)).toBe(true);
  });

  it("deletes its objects one by one: the cluster stays", () => {
    expect(recording.resources.filter(({ options }) => options.deletedWith !== undefined)).toEqual(
      [],
    );
  });

  it("is all known at the first preview, but what is built and what the cluster assigns", async () => {
    const preview = await recordExisting("preview");
    expect(preview.resources.map(({ urn }) => urn)).toEqual(
      recording.resources.map(({ urn }) => urn),
    );
    expect(preview.outputs).toMatchObject({ clusterName: "kind-dev", servesTraffic: true });
  });

  it("keeps the credentials out of all but secrets", () => {
    const clear = recordingText(recording).replaceAll(/"\[secret\]": "(?:[^"\\]|\\.)*"/g, "");
    expect(clear).not.toContain("kind: Config");
  });

  it("has a Service inside the cluster where nothing would give it an address", async () => {
    const capabilities = { ...detection.capabilities, loadBalancer: undefined };
    const without = await recordExisting("update", { ...detection, capabilities });
    expect(inputsOf(without, "kubernetes:core/v1:Service", "nginx").spec).toMatchObject({
      type: "ClusterIP",
    });
    expect(without.outputs.nginxUrl).toBe("http://nginx.web.svc:8080");
  });

  it("pushes the image to the registry, and none where the app names its own", async () => {
    const image = inputsOf(recording, "drydock:images:Published", "nginx-image");
    expect(image.registry).toBe(registry);
    const own = Object.fromEntries(
      ["nginx", "renderer", "uploader"].map((app) => [
        app,
        { image: `registry.example.com/${app}:1.2.3` },
      ]),
    );
    const named = await recordExisting("update", detection, { "drydock:apps": own });
    expect(named.resources.filter(({ type }) => type.endsWith(":Image"))).toEqual([]);
  });

  it("refuses to build an image that no node could run", async () => {
    const found = { ...detection, architectures: ["s390x"] };
    await expect(recordExisting("update", found)).rejects.toThrow(
      /the image drydock\/nginx would not run on any node\n {2}why: this machine builds for \w+, the nodes are s390x/,
    );
  });

  it("refuses to go on with the plugin's own words", async () => {
    const functions = { "drydock:existing:detect": () => ({ problem: "no such cluster" }) };
    const refused = recordProgram("dev", "preview", {
      changes: { "drydock:cluster": cluster },
      functions,
    });
    await expect(refused).rejects.toThrow(/^no such cluster$/);
  });
});
