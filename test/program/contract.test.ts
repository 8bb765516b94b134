import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it, vi } from "vitest";

import { parseConfig } from "../../config/parse";
import type { Cluster } from "../../infra/cluster";
import { containsSecret } from "../../toolchain/plugin/values";
import { detected, existingModel } from "../../review/recording/models/existing";
import { kubernetesModel } from "../../review/recording/models/kubernetes";
import { localModel } from "../../review/recording/models/local";
import { record } from "../../review/recording/recording";

const registry = "localhost:5001";
const kinds = [
  { title: "local, native", engine: "native", cluster: { kind: "local", name: "dev" } },
  { title: "local, by kind", engine: "kind", cluster: { kind: "local", name: "dev" } },
  { title: "existing", engine: "", cluster: { kind: "existing", registry } },
];

/** Every kind of cluster, against a recorder in the place of the engine. */
describe.each(kinds)("the contract of a cluster: $title", ({ engine, cluster: raw }) => {
  async function make(mode: "preview" | "update") {
    vi.resetModules();
    let cluster: Cluster | undefined;
    const recording = await record(
      async () => {
        const { createCluster } = await import("../../infra/cluster.js");
        const { nginxRecipe } = await import("../../apps/nginx/image/recipe.js");
        cluster = await createCluster("cluster", parseConfig({ cluster: raw }).cluster);
        const { name, kubeconfig, servesTraffic } = cluster;
        return { name, kubeconfig, servesTraffic, image: cluster.image("site", nginxRecipe()) };
      },
      {
        mode,
        model: {
          resources: { ...kubernetesModel, ...localModel, ...existingModel },
          functions: {
            "drydock:local:chooseEngine": () => ({ engine, realNode: true }),
            "drydock:existing:detect": () => detected(),
          },
        },
      },
    );
    if (cluster === undefined) throw new Error("There is no cluster.");
    return { cluster, recording };
  }

  it("has a name, whether it serves, and an image by digest", async () => {
    const { recording } = await make("update");
    const { name, servesTraffic, image } = recording.outputs;
    expect(name).toEqual(expect.stringMatching(/^\S+$/));
    expect(servesTraffic).toBe(true);
    expect(image).toEqual(expect.stringMatching(/^\S+@sha256:[0-9a-f]{64}$/));
  });

  it("has one provider, which is that of its options, with a secret kubeconfig", async () => {
    const { cluster, recording } = await make("update");
    expect(cluster.options.provider).toBe(cluster.provider);
    const providers = recording.resources.filter(({ type }) =>
      type.startsWith("pulumi:providers:"),
    );
    expect(providers).toHaveLength(1);
    expect(containsSecret(providers[0]?.inputs.kubeconfig)).toBe(true);
    expect(providers[0]?.inputs.clusterIdentifier).toEqual(
      expect.stringMatching(/^[0-9a-f-]{36}$/),
    );
  });

  it("has capabilities that are plain, and known before anything is made", async () => {
    const { capabilities } = (await make("preview")).cluster;
    const outputs = Object.values(capabilities).filter((value) => pulumi.Output.isInstance(value));
    expect(outputs).toEqual([]);
    const defined = Object.fromEntries(
      Object.entries(capabilities).filter(([, value]) => value !== undefined),
    );
    expect(JSON.parse(JSON.stringify(capabilities))).toEqual(defined);
  });

  it("refuses by name a workload that would act in a cloud, and first of all rights that are too wide", async () => {
    const { cluster } = await make("update");
    const account = { namespace: "web", serviceAccount: "app", optional: false };
    const ask = (action: "s3:GetObject" | "s3:*") => {
      const resources = ["arn:aws:s3:::pages/*"] as const;
      const grants = [{ sid: "Read", actions: [action] as const, resources }];
      return () => cluster.identity("app", { ...account, grants });
    };
    expect(ask("s3:GetObject")).toThrow("app cannot act in the cloud: it needs s3:GetObject");
    expect(ask("s3:*")).toThrow("the identity of app cannot be made");
  });

  it("shows in the first preview what an update makes", async () => {
    const urns = async (mode: "preview" | "update") =>
      (await make(mode)).recording.resources.map(({ urn }) => urn);
    expect(await urns("preview")).toEqual(await urns("update"));
  });

  it("makes nothing without a parent", async () => {
    const { recording } = await make("update");
    const orphans = recording.resources.filter(
      ({ parent, type }) => parent === "" && type !== "pulumi:pulumi:Stack",
    );
    expect(orphans).toEqual([]);
  });
});
