import { afterAll, beforeAll } from "vitest";

import { KubernetesProvider } from "../../../toolchain/kubernetes/provider";
import { Secret, type PropertyMap } from "../../../toolchain/plugin/serve";
import { startControlPlane, type ControlPlane } from "../../support/control-plane";
import { OtherClient } from "./cluster";
import { TestEngine, type CallOptions, type State } from "./engine";

/** A control plane, a provider configured for it, and somebody else who uses the same cluster. */
export interface Fixture {
  readonly plane: ControlPlane;
  readonly engine: TestEngine;
  readonly other: OtherClient;
  /** Checks and creates, as the engine does. */
  readonly create: (urn: string, news: PropertyMap, options?: CallOptions) => Promise<State>;
}

export function urnOf(type: string, name: string): string {
  return `urn:pulumi:test::drydock::kubernetes:${type}::${name}`;
}

/** Sets the fixture up before the tests of a describe block; call the result inside a test. */
export function useControlPlane(): () => Fixture {
  let fixture: Fixture | undefined;
  beforeAll(async () => {
    const plane = await startControlPlane();
    const engine = await TestEngine.start(new KubernetesProvider());
    await engine.configure({ kubeconfig: new Secret(plane.kubeconfig) });
    const create: Fixture["create"] = async (urn, news, options) =>
      engine.create(urn, await engine.check(urn, news), options);
    fixture = { plane, engine, other: new OtherClient(plane.kubeconfig), create };
  });
  afterAll(async () => {
    fixture?.other.close();
    await fixture?.engine.stop();
    await fixture?.plane.stop();
  });
  return () => {
    if (fixture === undefined) {
      throw new Error("the control plane is not there before the first test");
    }
    return fixture;
  };
}
