import { vi } from "vitest";

import { awsModel, eksModel, publishedImageModel } from "./aws-model";
import { kubernetesModel } from "./kubernetes-model";
import { localModel } from "./local-model";
import {
  record,
  recordBoth,
  type Recording,
  type RecordingOptions,
  type Recordings,
} from "./recording";
import { programConfig, stackFile } from "./stack-file";

/**
 * Records index.ts as it stands.
 * @param stack whose stack file is the configuration
 * @param changes keys to put in the place of the stack file's
 */
export async function recordProgram(
  stack: string,
  mode: RecordingOptions["mode"],
  changes: Readonly<Record<string, unknown>> = {},
): Promise<Recording> {
  vi.resetModules();
  return record(async () => (await import("../../index.js")).default(), {
    mode,
    stack,
    model: {
      resources: {
        ...kubernetesModel,
        ...localModel,
        ...awsModel,
        ...eksModel,
        ...publishedImageModel,
      },
      functions: {},
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
