import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { UNKNOWN } from "../../toolchain/plugin/serve";
import { failureOf, type TestEngine } from "../kubernetes/support/engine";
import { IMAGE_URN, imageInputs } from "./support/cluster";
import { Project } from "./support/plugin";

describe("the image resource", () => {
  let project: Project;
  let engine: TestEngine;

  beforeAll(async () => {
    project = await Project.create();
    engine = await project.engine();
  });

  afterAll(async () => {
    await engine.stop();
    project.remove();
  });

  it("is unknown in a preview, and refuses a cluster that is not there", async () => {
    const planned = await engine.create(IMAGE_URN, imageInputs("none"), { preview: true });
    expect(planned.outputs).toMatchObject({ reference: UNKNOWN, base: UNKNOWN });
    expect(await failureOf(engine.create(IMAGE_URN, imageInputs("none")))).toBe(
      "there is no cluster none to bring the image to",
    );
  });

  it("is built anew for another recipe or other files, and replaced for another cluster", async () => {
    const inputs = imageInputs("dev");
    const state = {
      id: "web",
      inputs,
      outputs: { ...inputs, reference: "localhost/web@sha256:0" },
    };
    const diff = async (change: object) =>
      (await engine.diff(IMAGE_URN, state, { ...inputs, ...change })).detailed;
    expect(await diff({})).toEqual({});
    expect(await diff({ recipe: "{}" })).toEqual({ recipe: "UPDATE" });
    expect(await diff({ sourceHash: "other" })).toEqual({ sourceHash: "UPDATE" });
    expect(await diff({ clusterName: "prod" })).toEqual({ clusterName: "UPDATE_REPLACE" });
  });

  it("is one of those that the plugin names where it has not what is asked for", async () => {
    const urn = "urn:pulumi:dev::drydock::drydock:local:Moon::moon";
    expect(await failureOf(engine.check(urn, {}))).toBe(
      "the drydock plugin has no resource drydock:local:Moon: it has drydock:local:Cluster, drydock:local:Image, " +
        "drydock:existing:Cluster, drydock:images:Published",
    );
  });
});
