import { parseArgs } from "node:util";

import { outdatedVariables } from "../environment";
import { exportLines, parseShell } from "../shell";
import { readStackSettings } from "../stack-file";
import { openProject, STACK, type CommandContext } from "./context";

/** Prints what a shell must evaluate, and nothing else, on standard output. */
export async function printEnvironment(context: CommandContext): Promise<number> {
  const { values } = parseArgs({
    args: [...context.args],
    options: { shell: { type: "string", default: "bash" } },
  });
  const shell = parseShell(values.shell);
  const { environment } = await openProject(context, await readStackSettings(context.root, STACK));
  const { variables, pathPrefix } = environment;
  const unset = outdatedVariables(process.env, environment);
  process.stdout.write(exportLines(variables, { pathPrefix, unset, shell }));
  return 0;
}
