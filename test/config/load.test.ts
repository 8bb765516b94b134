import * as pulumi from "@pulumi/pulumi";
import { afterEach, describe, expect, it } from "vitest";

import { loadConfig } from "../../config/load";
import { programConfig, stackFile } from "../../review/recording/stack-file";

const load = (config: Record<string, string>, secretKeys: string[] = []) => {
  pulumi.runtime.setAllConfig(config, secretKeys);
  return loadConfig(new pulumi.Config("drydock"));
};

describe("loading", () => {
  afterEach(() => pulumi.runtime.setAllConfig({}));

  it("reads the dev stack", () => {
    const { cluster, apps } = load(programConfig(stackFile("dev").config));
    expect(cluster).toMatchObject({
      kind: "local",
      name: "dev",
      kubernetesVersion: "1.36",
    });
    expect(apps.nginx).toMatchObject({ replicas: 3, port: 8080 });
  });

  it("finds a key that Pulumi would leave unread", () => {
    const config = { ...programConfig(stackFile("dev").config), "drydock:clutser": "{}" };
    expect(() => load(config)).toThrow("drydock:clutser = {}");
  });

  it("finds a misspelt namespace", () => {
    const config = { ...programConfig(stackFile("dev").config), "dry-dock:apps": "{}" };
    expect(() => load(config)).toThrow("did you mean drydock:apps?");
  });

  it("tells a scalar from a map", () => {
    expect(() => load({ "drydock:cluster": "local" })).toThrow('drydock:cluster = "local"');
  });

  it("shows nothing of a secret", () => {
    const canary = "canary-41c7";
    const apps = JSON.stringify({ nginx: { image: canary } });
    const config = { ...programConfig(stackFile("dev").config), "drydock:apps": apps };
    expect(() => load(config)).toThrow(canary);
    expect(() => load(config, ["drydock:apps"])).toThrow(/beside a secret no value is shown/);
    expect(() => load(config, ["drydock:apps"])).not.toThrow(canary);
  });
});
