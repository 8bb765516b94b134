import { beforeAll, describe, expect, it } from "vitest";

import { recordProgram } from "../../review/recording/program";
import type { Recording } from "../../review/recording/recorder";
import { stackFile } from "../../review/recording/stack-file";
import { askPack } from "../policy/support/pack";
import { asked } from "../policy/support/recorded";
import { manifest } from "../support/manifests";

const HOST = "site.example.com";
const config = stackFile("prod").config as Record<string, Record<string, object>>;
const changes = {
  "drydock:apps": {
    ...config["drydock:apps"],
    nginx: { ...config["drydock:apps"]?.nginx, ingress: { host: HOST } },
  },
};

describe("prod with nginx behind an Ingress", () => {
  let prod: Recording;
  beforeAll(async () => {
    prod = await recordProgram("prod", "update", { changes });
  });

  it("is on the Application Load Balancer, by HTTPS, and has no load balancer of its own", () => {
    const { metadata, spec } = manifest(prod, "Ingress", "nginx");
    expect(spec).toMatchObject({
      ingressClassName: "alb",
      tls: [{ hosts: [HOST] }],
      rules: [{ host: HOST }],
    });
    expect(metadata.annotations).toMatchObject({
      "alb.ingress.kubernetes.io/scheme": "internet-facing",
      "alb.ingress.kubernetes.io/healthcheck-path": "/healthz",
    });
    expect(manifest(prod, "Service", "nginx").spec).toMatchObject({ type: "ClusterIP" });
    expect(prod.outputs.nginxUrl).toMatch(new RegExp(`^https://${HOST}`));
  });

  it("lets in what comes from the load balancer's subnets alone", () => {
    const [rule, ...others] = manifest(prod, "NetworkPolicy", "nginx").spec?.ingress ?? [];
    expect(others).toEqual([]);
    expect(rule?.from).toEqual([
      { ipBlock: { cidr: "10.40.128.0/20" } },
      { ipBlock: { cidr: "10.40.144.0/20" } },
      { ipBlock: { cidr: "10.40.160.0/20" } },
    ]);
  });

  it("keeps every rule, that for TLS too", () => {
    // What the stack's own parameters decide, test/policy/stacks.test.ts looks at.
    const told = ["exception-reported", "inputs-known", "aws-tags"];
    const broken = askPack(asked(prod)).filter(({ rule }) => !told.includes(rule));
    expect(broken).toEqual([]);
  });
});
