import { vi } from "vitest";

import { kubernetesModel } from "./kubernetes-model";
import { localModel } from "./local-model";
import { record, type Recording, type RecordingOptions } from "./recording";
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
    model: { resources: { ...kubernetesModel, ...localModel }, functions: {} },
    config: programConfig({ ...stackFile(stack).config, ...changes }),
  });
}
