import { RunError } from "@pulumi/pulumi/errors";
import { describe, expect, it } from "vitest";

import { ConfigError } from "../../config/errors";
import { parseConfig, type ParseOptions } from "../../config/parse";

const cluster = { kind: "local", name: "dev" };
const secretArn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:token-AbCdEf";

function refusal(raw: Record<string, unknown>, options?: ParseOptions): string {
  try {
    parseConfig(raw, options);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error("The configuration was accepted.");
}

describe("a wrong configuration", () => {
  it.each([
    {
      title: "misspelt key",
      raw: { cluster, apps: { nginx: { replcas: 5 } } },
      message: `The stack's configuration has 1 problem:
  drydock:apps.nginx.replcas = 5
    rule: is not a key of drydock:apps.nginx, which has namespace, replicas, port, ingress, image, resources, rolloutTimeoutSeconds
    fix:  did you mean replicas?`,
    },
    {
      title: "misspelt top-level key, which Pulumi leaves unread",
      raw: { cluster, app: {} },
      message: `The stack's configuration has 1 problem:
  drydock:app = {}
    rule: is not a key of the namespace drydock, which has cluster, platform, apps
    fix:  did you mean apps?`,
    },
    {
      title: "key that resembles none",
      raw: { cluster: { ...cluster, colour: "red" } },
      message: `The stack's configuration has 1 problem:
  drydock:cluster.colour = "red"
    rule: is not a key of drydock:cluster, which has kind, name, kubernetesVersion, engine, nodes, loadBalancerAddress, storage, metrics, ingress
    fix:  remove it`,
    },
    {
      title: "simulated nodes where kind makes the cluster",
      raw: { cluster: { ...cluster, engine: "kind", nodes: { real: "never", simulated: 3 } } },
      message: `The stack's configuration has 2 problems:
  drydock:cluster.nodes.real = "never"
    rule: must not be "never" where engine is "kind"
    fix:  remove it, or set engine to "native"
  drydock:cluster.nodes.simulated = 3
    rule: must be 0 where engine is "kind"
    fix:  remove it, or set engine to "native"`,
    },
    {
      title: "Karpenter where kind makes the cluster",
      raw: {
        cluster: { ...cluster, engine: "kind", nodes: { autoscaling: { kind: "karpenter" } } },
      },
      message: `The stack's configuration has 1 problem:
  drydock:cluster.nodes.autoscaling.kind = "karpenter"
    rule: must be "none" where engine is "kind": kind's node cannot be simulated
    fix:  remove it, or set engine to "native"`,
    },
    {
      title: "labels of simulated nodes that Karpenter gives them",
      raw: {
        cluster: {
          ...cluster,
          nodes: {
            labels: {
              simulated: {
                "node.kubernetes.io/instance-type": "small",
                "karpenter.sh/capacity-type": "spot",
                "example.com/pool": "spot",
              },
            },
            autoscaling: { kind: "karpenter" },
          },
        },
      },
      message: `The stack's configuration has 2 problems:
  drydock:cluster.nodes.labels.simulated.node.kubernetes.io/instance-type = "small"
    rule: must not be set where nodes.autoscaling.kind is "karpenter": Karpenter sets it itself
    fix:  remove it, or use a prefix of your own, such as example.com/
  drydock:cluster.nodes.labels.simulated.karpenter.sh/capacity-type = "spot"
    rule: must not be set where nodes.autoscaling.kind is "karpenter": Karpenter sets it itself
    fix:  remove it, or use a prefix of your own, such as example.com/`,
    },
    {
      title: "app without an image on a cluster that has no registry",
      raw: { cluster: { kind: "existing" } },
      message: `The stack's configuration has 3 problems:
${["nginx", "renderer", "uploader"]
  .map(
    (app) => `  drydock:apps.${app}.image
    rule: is missing; the nodes of an existing cluster get an image from a registry only
    fix:  add an image that they can pull, or drydock:cluster.registry, where the project's own is pushed`,
  )
  .join("\n")}`,
    },
    {
      title: "registry that is a URL, and an identity that is none",
      raw: { cluster: { kind: "existing", registry: "https://ghcr.io/me", identity: "prod" } },
      message: `The stack's configuration has 2 problems:
  drydock:cluster.registry = "https://ghcr.io/me"
    rule: must be a registry's host and an optional path, without scheme or tag ("localhost:5001", "ghcr.io/me")
    fix:  change it, for example: "localhost:5001"
  drydock:cluster.identity = "prod"
    rule: must be a UID, as kubectl get namespace kube-system --output jsonpath={.metadata.uid} prints it
    fix:  change it, for example: "6f1b3c52-7d0a-4c8e-9a55-0d3f6b1c2e4d"`,
    },
    {
      title: "key of another kind of cluster",
      raw: { cluster: { kind: "existing", name: "dev", registry: "localhost:5001" } },
      message: `The stack's configuration has 1 problem:
  drydock:cluster.name = "dev"
    rule: is not a key of drydock:cluster, which has kind, kubeconfig, context, registry, identity
    fix:  remove it`,
    },
    {
      title: "replicas -1",
      raw: { cluster, apps: { nginx: { replicas: -1 } } },
      message: `The stack's configuration has 1 problem:
  drydock:apps.nginx.replicas = -1
    rule: must be a whole number from 0 to 100
    fix:  change it, or remove it for the default, 3`,
    },
    {
      title: "half a replica",
      raw: { cluster, apps: { nginx: { replicas: 2.5 } } },
      message: `The stack's configuration has 1 problem:
  drydock:apps.nginx.replicas = 2.5
    rule: must be a whole number from 0 to 100
    fix:  change it, or remove it for the default, 3`,
    },
    {
      title: "unknown Kubernetes version",
      raw: { cluster: { ...cluster, kubernetesVersion: "1.99" } },
      message: `The stack's configuration has 1 problem:
  drydock:cluster.kubernetesVersion = "1.99"
    rule: must be one of "1.35", "1.36"
    fix:  change it, or remove it for the default, "1.36"`,
    },
    {
      title: "Kubernetes version that YAML reads as a number",
      raw: { cluster: { ...cluster, kubernetesVersion: 1.36 } },
      message: `The stack's configuration has 1 problem:
  drydock:cluster.kubernetesVersion = 1.36
    rule: must be one of "1.35", "1.36"
    fix:  write it in quotes: "1.36"`,
    },
    {
      title: "number in quotes",
      raw: { cluster, apps: { nginx: { replicas: "3" } } },
      message: `The stack's configuration has 1 problem:
  drydock:apps.nginx.replicas = "3"
    rule: must be a whole number from 0 to 100
    fix:  write it without quotes: 3`,
    },
    {
      title: "CPU as a number",
      raw: { cluster, platform: { namespaces: { web: { quota: { cpu: 3 } } } } },
      message: `The stack's configuration has 1 problem:
  drydock:platform.namespaces.web.quota.cpu = 3
    rule: must be CPU in millicores ("250m") or cores ("2", "0.5")
    fix:  write it in quotes: "3"`,
    },
    {
      title: "unit that Kubernetes does not have",
      raw: { cluster, apps: { nginx: { resources: { memory: "32MB" } } } },
      message: `The stack's configuration has 1 problem:
  drydock:apps.nginx.resources.memory = "32MB"
    rule: must be memory in Ki, Mi or Gi, without a space ("64Mi")
    fix:  change it, or remove it for the default, "32Mi"`,
    },
    {
      title: "image that would drift",
      raw: { cluster, apps: { nginx: { image: "nginx:latest" } } },
      message: `The stack's configuration has 1 problem:
  drydock:apps.nginx.image = "nginx:latest"
    rule: must be an image with a tag other than latest, or with a digest (name:tag, name@sha256:…)
    fix:  change it, for example: "registry.example.com/site:1.2.3"`,
    },
    {
      title: "address that others could reach",
      raw: { cluster: { ...cluster, loadBalancerAddress: "0.0.0.0" } },
      message: `The stack's configuration has 1 problem:
  drydock:cluster.loadBalancerAddress = "0.0.0.0"
    rule: must be an IPv4 address within 127.0.0.0/8, so that nothing beyond this machine reaches it
    fix:  change it, or remove it for the default, "127.0.0.1"`,
    },
    {
      title: "name that no Kubernetes object can have",
      raw: { cluster, platform: { namespaces: { web: {}, "My Apps": {} } } },
      message: `The stack's configuration has 1 problem:
  drydock:platform.namespaces.My Apps
    rule: must have a name of at most 63 lower-case letters, digits and hyphens, a letter first, no hyphen last
    fix:  rename it`,
    },
    {
      title: "nothing at all",
      raw: {},
      message: `The stack's configuration has 1 problem:
  drydock:cluster
    rule: is missing; it must be a map with the keys kind, name, kubernetesVersion, engine, nodes, loadBalancerAddress, storage, metrics, ingress
    fix:  add it, for example: {"kind":"local","name":"drydock-dev"}`,
    },
    {
      title: "missing name",
      raw: { cluster: { kind: "local" } },
      message: `The stack's configuration has 1 problem:
  drydock:cluster.name
    rule: is missing; it must be a name of at most 32 lower-case letters, digits and hyphens, a letter first, no hyphen last
    fix:  add it, for example: "drydock-dev"`,
    },
    {
      title: "section that is no map",
      raw: { cluster: "local" },
      message: `The stack's configuration has 1 problem:
  drydock:cluster = "local"
    rule: must be a map with the keys kind, name, kubernetesVersion, engine, nodes, loadBalancerAddress, storage, metrics, ingress
    fix:  change it, for example: {"kind":"local","name":"drydock-dev"}`,
    },
    {
      title: "kind of cluster there is not, and another problem behind it",
      raw: { cluster: { kind: "gke", name: "dev", nodez: 1 } },
      message: `The stack's configuration has 2 problems:
  drydock:cluster.kind = "gke"
    rule: must be one of "local", "existing", "eks"
    fix:  change it, for example: "local"
  drydock:cluster.nodez = 1
    rule: is not a key of drydock:cluster, which has kind, name, kubernetesVersion, engine, nodes, loadBalancerAddress, storage, metrics, ingress
    fix:  did you mean nodes?`,
    },
    {
      title: "impossible combination: no node at all",
      raw: { cluster: { ...cluster, nodes: { real: "never" } } },
      message: `The stack's configuration has 1 problem:
  drydock:cluster.nodes.simulated = 0
    rule: must be 1 or more where nodes.real is "never": no pod could be scheduled
    fix:  set it to 1, or nodes.real to "auto"`,
    },
    {
      title: "impossible combination: an entry that no controller serves",
      raw: { cluster, apps: { nginx: { ingress: { host: "site.test" } } } },
      message: `The stack's configuration has 1 problem:
  drydock:apps.nginx.ingress = {"host":"site.test","paths":["/"]}
    rule: needs drydock:cluster.ingress, the controller that would serve it
    fix:  add ingress: {} to drydock:cluster, or remove it`,
    },
    {
      title: "impossible combination: an entry of two apps",
      raw: {
        cluster: { ...cluster, ingress: {} },
        apps: { nginx: { ingress: {} }, uploader: { ingress: { paths: ["/files", "/"] } } },
      },
      message: `The stack's configuration has 1 problem:
  drydock:apps.uploader.ingress.paths = "/"
    rule: must not be an entry twice: */ leads to nginx
    fix:  give it another host or path`,
    },
    {
      title: "a host with a port, and a path with a slash at its end",
      raw: {
        cluster: { ...cluster, ingress: {} },
        apps: { nginx: { ingress: { host: "site.test:80", paths: ["/a/"] } } },
      },
      message: `The stack's configuration has 2 problems:
  drydock:apps.nginx.ingress.host = "site.test:80"
    rule: must be a DNS name in lower case, without scheme or port ("site.example.com")
    fix:  change it, for example: "site.example.com"
  drydock:apps.nginx.ingress.paths.0 = "/a/"
    rule: must be a path without a slash at its end ("/", "/files")
    fix:  change it`,
    },
    {
      title: "impossible combination: a namespace that nothing makes",
      raw: { cluster, apps: { nginx: { namespace: "wbe" } } },
      message: `The stack's configuration has 1 problem:
  drydock:apps.nginx.namespace = "wbe"
    rule: must be one of drydock:platform.namespaces: web
    fix:  did you mean "web"?`,
    },
    {
      title: "impossible combination: more pods than the quota admits",
      raw: { cluster, apps: { nginx: { replicas: 20, resources: { memory: "128Mi" } } } },
      message: `The stack's configuration has 1 problem:
  drydock:apps.nginx.replicas = 20
    rule: must fit, with one more pod during a rollout, in the quota of namespace web: pods: needs 21, has 20; memory: needs 2688Mi, has 2Gi
    fix:  lower it, or raise drydock:platform.namespaces.web.quota`,
    },
    {
      title: "impossible combination: an entry of AWS on a cluster that gives no role of AWS",
      raw: { cluster, apps: { uploader: { token: { secretArn } } } },
      message: `The stack's configuration has 1 problem:
  drydock:apps.uploader.token = {"secretArn":"${secretArn.slice(0, -5)}...
    rule: must not be set where cluster.kind is "local": pods get no role of AWS there
    fix:  remove it`,
    },
    {
      title:
        "an entry of AWS without the end that AWS gave its name, which a policy would not match",
      raw: { cluster, apps: { uploader: { token: { secretArn: secretArn.slice(0, -7) } } } },
      message: `The stack's configuration has 1 problem:
  drydock:apps.uploader.token.secretArn = "${secretArn.slice(0, -7)}"
    rule: must be the whole ARN of an entry in AWS Secrets Manager, with the six characters at its end (arn:aws:secretsmanager:eu-central-1:111122223333:secret:name-AbCdEf)
    fix:  change it, for example: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:uploader-token-AbCdEf"`,
    },
    {
      title: "apps that each fit the quota, and all together do not",
      raw: {
        cluster,
        platform: { namespaces: { web: { quota: { pods: 8 } } } },
        apps: { nginx: { replicas: 4 } },
      },
      message: `The stack's configuration has 1 problem:
  drydock:platform.namespaces.web.quota = {"pods":8,"cpu":"2","memory":"2Gi"}
    rule: must hold nginx, renderer, uploader, each with one more pod during a rollout: pods: needs 10, has 8
    fix:  raise it, or lower the apps' replicas or resources`,
    },
  ])("is refused: $title", ({ raw, message }) => {
    expect(refusal(raw)).toBe(message);
  });

  it("is refused with all its problems in one error", () => {
    const raw = {
      cluster: { ...cluster, kind: "lokal", nodes: { real: "alway" } },
      apps: { nginx: { replicas: -1, port: 0 } },
      plattform: {},
    };
    expect(refusal(raw, { foreignKeys: ["drydok:apps", "aws:region"] })).toBe(
      `The stack's configuration has 6 problems:
  drydok:apps
    rule: is in the namespace drydok, which nothing reads
    fix:  did you mean drydock:apps?
  drydock:cluster.kind = "lokal"
    rule: must be one of "local", "existing", "eks"
    fix:  did you mean "local"?
  drydock:apps.nginx.replicas = -1
    rule: must be a whole number from 0 to 100
    fix:  change it, or remove it for the default, 3
  drydock:apps.nginx.port = 0
    rule: must be a whole number from 1 to 65535
    fix:  change it, or remove it for the default, 80
  drydock:plattform = {}
    rule: is not a key of the namespace drydock, which has cluster, platform, apps
    fix:  did you mean platform?
  drydock:cluster.nodes.real = "alway"
    rule: must be one of "auto", "always", "never"
    fix:  did you mean "always"?`,
    );
  });

  it("tells impossible combinations together with other sections' problems", () => {
    const raw = {
      cluster: { ...cluster, nodes: { real: "never" } },
      apps: { nginx: { replicas: -1 } },
    };
    expect(refusal(raw)).toContain("has 2 problems");
  });

  it("shows no value of a section that holds a secret", () => {
    const canary = "canary-8d1f";
    const message = refusal(
      { cluster, apps: { nginx: { namespace: canary }, [canary]: canary } },
      { secretSections: new Set(["apps"]) },
    );
    expect(message).toContain("beside a secret no value is shown");
    expect(message.split("\n").filter((line) => line.includes(canary))).toEqual([
      `  drydock:apps.${canary}`, // The key's name, never its value.
    ]);
  });

  it("is an error that Pulumi shows without a stack trace", () => {
    expect(RunError.isInstance(new ConfigError([]))).toBe(true);
  });
});
