import { promises as awaiting } from "./await";
import { promises as deletes } from "./deletes";
import { promises as objects } from "./objects";
import { promises as options } from "./options";
import { promises as patches } from "./patch";
import { promises as previews } from "./previews";
import type { Promised } from "./promised";
import { promises as replacement } from "./replacement";
import { promises as secrets } from "./secrets";
import { promises as settings } from "./settings";
import { promises as updates } from "./updates";

/** Every promise of the official provider, by section in the order of PROMISES.md. */
export const sections: readonly (readonly [title: string, promises: readonly Promised[]])[] = [
  ["Objects", objects],
  ["Previews", previews],
  ["Updates and refresh", updates],
  ["Replacement", replacement],
  ["Deletes", deletes],
  ["Waiting", awaiting],
  ["Secrets", secrets],
  ["Resource options", options],
  ["Patches", patches],
  ["Settings", settings],
];
