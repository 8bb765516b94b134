import { vi } from "vitest";

import { awsModel, eksModel } from "./aws-model";
import { detected, existingModel } from "./existing-model";
import { kubernetesModel } from "./kubernetes-model";
import { localModel } from "./local-model";
import {
  type ProviderModel,
  record,
  recordBoth,
  type Recording,
  type RecordingOptions,
  type Recordings,
} from "./recording";
import { programConfig, stackFile } from "./stack-file";

const resources = {
  ...kubernetesModel,
  ...localModel,
  ...existingModel,
  ...awsModel,
  ...eksModel,
};

/**
 * Records index.ts as it stands.
 * @param stack whose stack file is the configuration
 * @param changes keys to put in the place of the stack file's
 * @param functions the plugin's answers. Default: a native local cluster; an existing one made by kind
 */
export async function recordProgram(
  stack: string,
  mode: RecordingOptions["mode"],
  changes: Readonly<Record<string, unknown>> = {},
  functions: ProviderModel["functions"] = {},
): Promise<Recording> {
  vi.resetModules();
  return record(async () => (await import("../../index.js")).default(), {
    mode,
    stack,
    model: {
      resources,
      functions: {
        "drydock:local:chooseEngine": () => ({ engine: "native" }),
        "drydock:existing:detect": () => detected(),
        ...functions,
      },
    },
    config: programConfig({ ...stackFile(stack).config, ...changes }),
  });
}

/** Records index.ts at a first preview and at an update; fails where the two differ. */
export function recordStack(
  stack: string,
  changes: Readonly<Record<string, unknown>> = {},
): Promise<Recordings> {
  return recordBoth((mode) => recordProgram(stack, mode, changes));
}
