import { describe, expect, it } from "vitest";

import { Platform, type PlatformArgs } from "../../infra/platform";
import { kubernetesModel } from "../../review/recording/models/kubernetes";
import { manifest, manifests } from "../support/manifests";
import { record } from "../../review/recording/recording";

const quota = { pods: 10, cpu: "1", memory: "512Mi" } as const;

function platform(
  namespaces: PlatformArgs["namespaces"],
  look: (made: Platform) => unknown = () => null,
) {
  return record(() => Promise.resolve({ seen: look(new Platform("platform", { namespaces })) }), {
    mode: "update",
    model: { resources: kubernetesModel, functions: {} },
  });
}

describe("the platform", () => {
  it("makes each namespace with restricted pod security, in the pinned version", async () => {
    const { metadata } = manifest(await platform({ web: { quota } }), "Namespace");
    expect(metadata).toEqual({
      name: "web",
      labels: {
        "app.kubernetes.io/part-of": "drydock",
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/enforce-version": "v1.36",
        "pod-security.kubernetes.io/audit": "restricted",
        "pod-security.kubernetes.io/audit-version": "v1.36",
        "pod-security.kubernetes.io/warn": "restricted",
        "pod-security.kubernetes.io/warn-version": "v1.36",
      },
    });
  });

  it("limits what a namespace's pods may claim together", async () => {
    expect(manifest(await platform({ web: { quota } }), "ResourceQuota").spec?.hard).toEqual({
      pods: "10",
      "requests.cpu": "1",
      "requests.memory": "512Mi",
      "limits.memory": "512Mi",
    });
  });

  it("gives defaults to the pods that the quota would refuse for want of a request", async () => {
    const { spec } = manifest(await platform({ web: { quota } }), "LimitRange");
    expect(spec).toEqual({
      limits: [
        {
          type: "Container",
          defaultRequest: { cpu: "50m", memory: "64Mi" },
          default: { memory: "64Mi" },
        },
      ],
    });
  });

  it("denies all traffic", async () => {
    expect(manifest(await platform({ web: { quota } }), "NetworkPolicy").spec).toEqual({
      podSelector: {},
      policyTypes: ["Ingress", "Egress"],
    });
  });

  it("makes the rules of a namespace after it, and all of them in it", async () => {
    const { resources } = await platform({ web: { quota } });
    const namespace = resources.find(({ type }) => type.endsWith(":Namespace"));
    const rules = resources.filter(
      ({ type }) => type.startsWith("kubernetes:") && type !== namespace?.type,
    );
    expect(rules).toHaveLength(3);
    for (const { dependencies, inputs } of rules) {
      expect(dependencies).toContain(namespace?.urn);
      expect(inputs.metadata).toMatchObject({ namespace: "web" });
    }
  });

  it("makes as many namespaces as there are", async () => {
    const made = manifests(await platform({ web: { quota }, jobs: { quota } }));
    const names = made.filter(({ kind }) => kind === "Namespace").map(({ metadata }) => metadata);
    expect(names.map(({ name }) => name).sort()).toEqual(["jobs", "web"]);
    expect(made).toHaveLength(8);
    expect(manifests(await platform({}))).toEqual([]);
  });

  it("finds a namespace by its name, and no other", async () => {
    const { outputs } = await platform({ web: { quota } }, (made) => [
      made.namespace("web").namespace,
      Object.keys(made.namespaces),
    ]);
    expect(outputs).toEqual({ seen: ["web", ["web"]] });
    const other = platform({ web: { quota } }, (made) => made.namespace("other"));
    await expect(other).rejects.toThrow("There is no namespace other on the platform.");
  });
});
