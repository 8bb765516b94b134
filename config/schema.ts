import { z } from "zod";

import { appsSchema } from "./apps";
import { clusterSchema } from "./cluster";
import { platformSchema } from "./platform";

/**
 * The configuration of a stack: one section for each key `drydock:<section>` of Pulumi.<stack>.yaml.
 * Unknown keys are refused, because Pulumi leaves them unread without a word.
 */
export const configSchema = z.strictObject({
  cluster: clusterSchema,
  platform: platformSchema.prefault({}),
  apps: appsSchema.prefault({}),
});

/** Parsed, complete and frozen: every default is filled in. */
export type Config = DeepReadonly<z.output<typeof configSchema>>;

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;
