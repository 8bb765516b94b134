import { describe, expect, it } from "vitest";

import { ConfigError } from "../../config/errors";
import { parseConfig } from "../../config/parse";

const CLUSTERS = {
  local: { kind: "local", name: "dev", ingress: {} },
  existing: { kind: "existing", registry: "registry.example.com" },
  eks: {
    kind: "eks",
    name: "prod",
    deployerRoleArn: "arn:aws:iam::111122223333:role/deployer",
    nodes: { groups: { system: { instanceTypes: ["m7i.large"] } } },
  },
} as const;

/** `key: rule` of each problem of nginx with this entry. */
function problems(cluster: object, ingress: object, platform: object = {}): string[] {
  try {
    parseConfig({ cluster, apps: { nginx: { ingress } }, platform }, { awsRegion: "eu-central-1" });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ key, rule }) => `${key.replace("drydock:", "")}: ${rule}`);
  }
  return [];
}

describe("an app's entry at the ingress controller", () => {
  it.each([
    ["local", { host: "site.localhost" }],
    ["local", {}],
    ["existing", { host: "site.example.com", tlsSecret: "site-tls" }],
    ["existing", {}],
    ["eks", { host: "site.example.com" }],
  ] as const)("is right on a cluster of kind %s as %j", (kind, entry) => {
    expect(problems(CLUSTERS[kind], entry)).toEqual([]);
  });

  it("has a certificate only where the controller takes one, and a name where it needs one", () => {
    const secret = { host: "site.example.com", tlsSecret: "site-tls" };
    expect(problems(CLUSTERS.local, secret)).toEqual([
      'apps.nginx.ingress.tlsSecret: must not be set where cluster.kind is "local": its controller speaks HTTP only',
    ]);
    expect(problems(CLUSTERS.eks, secret)).toEqual([
      'apps.nginx.ingress.tlsSecret: must not be set where cluster.kind is "eks": the certificate is the one in ACM',
    ]);
    expect(problems(CLUSTERS.eks, {})).toEqual([
      'apps.nginx.ingress.host: is missing; where cluster.kind is "eks" the certificate is looked for by it',
    ]);
  });

  it("is refused where it is known that no controller serves it", () => {
    const autoMode = { ...CLUSTERS.eks, autoscaling: { kind: "autoMode" }, nodes: undefined };
    expect(problems(autoMode, { host: "site.example.com" })).toEqual([
      'apps.nginx.ingress: must not be set where autoscaling.kind is "autoMode": there is no ingress controller for it',
    ]);
    expect(problems({ ...CLUSTERS.local, ingress: undefined }, {})).toEqual([
      "apps.nginx.ingress: needs drydock:cluster.ingress, the controller that would serve it",
    ]);
  });

  it("has no name below .localhost where the load balancer has another address", () => {
    const elsewhere = { ...CLUSTERS.local, loadBalancerAddress: "127.0.0.2" };
    expect(problems(elsewhere, { host: "site.localhost" })).toEqual([
      "apps.nginx.ingress.host: must not end in .localhost, which leads to 127.0.0.1, where loadBalancerAddress is 127.0.0.2",
    ]);
    expect(problems(elsewhere, { host: "site.test" })).toEqual([]);
  });
});

it("leaves the controller's namespace to it", () => {
  const platform = { namespaces: { web: {}, ingress: {} } };
  expect(problems(CLUSTERS.local, {}, platform)).toEqual([
    "platform.namespaces.ingress: must not be made twice: the ingress controller has it (drydock:cluster.ingress)",
  ]);
  expect(problems(CLUSTERS.existing, {}, platform)).toEqual([]);
});
