import { existsSync } from "node:fs";
import { join } from "node:path";

import { ToolError } from "../errors";
import { say, type Project } from "./context";

const PACK = join("dist", "policy", "drydock-policy");

/**
 * Flags of `pulumi preview` and `pulumi up` for the project's policy pack. A stack without a configuration of
 * its own gets the pack's defaults, which enforce. None where DRYDOCK_POLICY is off, or where the user
 * names a pack.
 * @throws ToolError where the pack is not built: nothing is let through unseen
 */
export function policyArguments(
  { root, stack, env }: Pick<Project, "root" | "stack" | "env">,
  args: readonly string[],
): string[] {
  if (args.some((arg) => /^--policy-pack(?:=|$)/.test(arg))) return [];
  if (env.DRYDOCK_POLICY === "off") {
    say("DRYDOCK_POLICY is off: no policy is looked at.");
    return [];
  }
  const pack = join(root, PACK);
  if (!existsSync(pack)) {
    throw new ToolError({
      what: "the policy pack is not built",
      where: pack,
      why: "it is made by npm ci",
      fix: "npm run build; DRYDOCK_POLICY=off goes on without policies",
    });
  }
  const config = join(root, "policy", "config", `${stack}.json`);
  return ["--policy-pack", pack, ...(existsSync(config) ? ["--policy-pack-config", config] : [])];
}
