import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { pinnedKubernetesVersion, versionWarning } from "../../config/kubernetes-versions";
import { parseConfig } from "../../config/parse";

const cluster = { kind: "local", name: "dev" };

describe("a right configuration", () => {
  it("gets every default", () => {
    expect(parseConfig({ cluster })).toEqual({
      cluster: {
        kind: "local",
        name: "dev",
        kubernetesVersion: "1.36",
        engine: "auto",
        nodes: {
          real: "auto",
          simulated: 0,
          labels: { real: {}, simulated: {} },
          taints: { real: [] },
          autoscaling: { kind: "none" },
        },
        loadBalancerAddress: "127.0.0.1",
        storage: { reclaimPolicy: "Delete" },
        metrics: true,
      },
      platform: { namespaces: { web: { quota: { pods: 20, cpu: "2", memory: "2Gi" } } } },
      apps: {
        nginx: {
          namespace: "web",
          replicas: 3,
          port: 80,
          resources: { cpu: "25m", memory: "32Mi" },
          rolloutTimeoutSeconds: 180,
        },
        renderer: {
          namespace: "web",
          replicas: 2,
          resources: { cpu: "25m", memory: "96Mi" },
          rolloutTimeoutSeconds: 180,
        },
        uploader: {
          namespace: "web",
          resources: { cpu: "25m", memory: "96Mi" },
          storage: { size: "1Gi", whenDeleted: "Retain", protect: false },
          rolloutTimeoutSeconds: 180,
        },
      },
    });
  });

  it("keeps a zero", () => {
    const config = parseConfig({ cluster, apps: { nginx: { replicas: 0 } } });
    expect(config.apps.nginx.replicas).toBe(0);
  });

  it("cannot be changed afterwards", () => {
    const { nginx } = parseConfig({ cluster }).apps;
    expect(() => Object.assign(nginx.resources, { cpu: "9" })).toThrow(TypeError);
  });

  it("leaves other projects' keys alone", () => {
    const foreignKeys = ["aws:region", "kubernetes:context", "pulumi:disable-default-providers"];
    expect(() => parseConfig({ cluster }, { foreignKeys })).not.toThrow();
  });

  it.each(["127.0.0.1", "127.0.0.2", "127.255.255.254"])("admits the address %s", (address) => {
    const config = parseConfig({ cluster: { ...cluster, loadBalancerAddress: address } });
    expect(config.cluster).toMatchObject({ loadBalancerAddress: address });
  });

  it("admits no address outside 127.0.0.0/8", () => {
    const outside = fc.ipV4().filter((address) => !address.startsWith("127."));
    fc.assert(
      fc.property(outside, (loadBalancerAddress) => {
        expect(() => parseConfig({ cluster: { ...cluster, loadBalancerAddress } })).toThrow(
          "127.0.0.0/8",
        );
      }),
    );
  });

  it.each([
    "nginx:1.14.2",
    "registry.example.com:5000/team/site:1.2.3",
    "drydock/nginx@sha256:" + "a".repeat(64),
    "nginx:1.29@sha256:" + "0".repeat(64),
    "nginx:latest-but-named",
  ])("admits the image %s", (image) => {
    expect(parseConfig({ cluster, apps: { nginx: { image } } }).apps.nginx.image).toBe(image);
  });

  it.each(["nginx", "nginx:latest", "nginx:", "nginx@sha256:abc", "Nginx:1", "nginx:1 2"])(
    "admits no image %s",
    (image) => {
      expect(() => parseConfig({ cluster, apps: { nginx: { image } } })).toThrow(
        "must be an image",
      );
    },
  );

  it("is accepted exactly where the rollout fits the quota", () => {
    const whole = (max: number) => fc.integer({ min: 1, max });
    fc.assert(
      fc.property(whole(30), whole(30), whole(400), (replicas, pods, cpu) => {
        const quota = { pods, cpu: "2" };
        const raw = {
          cluster,
          platform: { namespaces: { web: { quota }, files: {} } },
          apps: {
            nginx: { replicas, resources: { cpu: `${cpu}m` } },
            renderer: { namespace: "files" },
            uploader: { namespace: "files" },
          },
        };
        const fits = replicas + 1 <= pods && cpu * (replicas + 1) <= 2000;
        if (fits) expect(parseConfig(raw).apps.nginx.replicas).toBe(replicas);
        else expect(() => parseConfig(raw)).toThrow("must fit");
      }),
    );
  });
});

describe("the Kubernetes version", () => {
  it("raises a warning where it is not the one of the other stacks", () => {
    expect(versionWarning("1.35")).toBe(
      "drydock:cluster.kubernetesVersion is 1.35, the other stacks run 1.36: a rehearsal on one proves less about the other.",
    );
  });

  it("raises none where it is", () => {
    expect(versionWarning(pinnedKubernetesVersion)).toBeUndefined();
  });
});
