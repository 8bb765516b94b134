import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { EngineEvent } from "@pulumi/pulumi/automation";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";

import { startControlPlane, type ControlPlane } from "../support/control-plane";
import { OtherClient } from "./support/cluster";
import { createTestStack, type TestStack } from "./support/stack";

const CANARIES = {
  stringData: "canary-string-data-1f2e3d",
  data: "canary-data-4c5b6a",
  custom: "canary-custom-0a1b2c",
  derived: "canary-derived-3d4e5f",
} as const;

describe("secrets through the real CLI", () => {
  let plane: ControlPlane;
  let other: OtherClient;
  let test: TestStack;
  let suffix = "";
  let password: string = CANARIES.custom;
  /** Everything a user or a tool could have read of the runs so far. */
  const seen: string[] = [];

  beforeAll(async () => {
    plane = await startControlPlane();
    other = new OtherClient(plane.kubeconfig);
    test = await createTestStack(inject("binaries"), () => {
      const kubeconfig = pulumi.secret(plane.kubeconfig);
      const provider = new kubernetes.Provider("k8s", { kubeconfig, enableSecretMutable: true });
      return Promise.resolve(program({ provider }));
    });
  });

  afterAll(async () => {
    other.close();
    await test.remove();
    await plane.stop();
  });

  function program(options: pulumi.CustomResourceOptions): Record<string, unknown> {
    const { core, yaml, apiextensions } = kubernetes;
    const data = { key: Buffer.from(CANARIES.data + suffix).toString("base64") };
    const stringData = { password: CANARIES.stringData + suffix };
    const both = new core.v1.Secret("both", { data, stringData }, options);
    const text = `{apiVersion: v1, kind: List, items: [
      {apiVersion: v1, kind: Secret, metadata: {name: from-yaml}, stringData: {a: b}},
      {apiVersion: v1, kind: ConfigMap, metadata: {name: from-yaml}, data: {a: plain}}]}`;
    new yaml.ConfigGroup("group", { yaml: text }, options);
    const crd = new apiextensions.v1.CustomResourceDefinition("vaults", vaults, options);
    new apiextensions.CustomResource(
      "vault",
      {
        apiVersion: "example.com/v1",
        kind: "Vault",
        metadata: { name: "vault", annotations: { copy: pulumi.secret(CANARIES.derived) } },
        spec: { password: pulumi.secret(password) },
      },
      { ...options, dependsOn: crd },
    );
    return { data: both.data };
  }

  /** The names of the canaries that the text holds, in clear or as base64. */
  function canariesIn(text: string): string[] {
    const holds = (canary: string) =>
      text.includes(canary) || text.includes(Buffer.from(canary).toString("base64").slice(0, 20));
    return Object.entries(CANARIES).flatMap(([name, canary]) => (holds(canary) ? [name] : []));
  }

  const watching = {
    diff: true,
    onOutput: (text: string) => seen.push(text),
    onError: (text: string) => seen.push(text),
    onEvent: (event: EngineEvent) => {
      // The nodejs SDK writes what it receives into the debug log; that is its own affair.
      if (!/RPC (prepared|finished)/.test(event.diagnosticEvent?.message ?? "")) {
        seen.push(JSON.stringify(event));
      }
    },
  };

  it("stand in no preview, output, log, event or state, whatever the kind", async () => {
    await test.stack.preview(watching);
    const { summary } = await test.stack.up(watching);
    expect(summary.resourceChanges).toMatchObject({ create: 8 });
    suffix = "-changed";
    await test.stack.preview(watching);
    await test.stack.up(watching);
    await test.stack.refresh(watching);
    expect(seen.join("").length).toBeGreaterThan(1_000);
    expect(canariesIn(seen.join("\n"))).toEqual([]);
    expect(canariesIn(await test.stored())).toEqual([]);
    const live = await other.get("/apis/example.com/v1/namespaces/default/vaults/vault");
    expect(live.spec).toEqual({ password: CANARIES.custom });
  });

  it("stand in no refusal of the server, which quotes what it refuses", async () => {
    password = `${CANARIES.custom} with a space`;
    const failures = await Promise.all([test.stack.up(watching).then(() => "", String)]);
    expect(failures[0]).toContain("spec.password");
    expect(canariesIn(failures.join(""))).toEqual([]);
    expect(canariesIn(seen.join("\n"))).toEqual([]);
    expect(canariesIn(await test.stored())).toEqual([]);
  });

  it("YAML groups and files of version 1 work: they become single resources", async () => {
    const names = ["secrets", "configmaps"].map(async (kind) => {
      const live = await other.get(`/api/v1/namespaces/default/${kind}/from-yaml`);
      return live.kind;
    });
    expect(await Promise.all(names)).toEqual(["Secret", "ConfigMap"]);
  });
});

const vaults = {
  metadata: { name: "vaults.example.com" },
  spec: {
    group: "example.com",
    names: { kind: "Vault", plural: "vaults", singular: "vault" },
    scope: "Namespaced",
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: {
                type: "object",
                properties: { password: { type: "string", pattern: "^[^ ]+$" } },
              },
            },
          },
        },
      },
    ],
  },
};
