import { existsSync } from "node:fs";
import { parseArgs } from "node:util";

import { outdatedVariables, stateFolder } from "../environment";
import { exportLines, parseShell } from "../shell";
import { readStackSettings } from "../stack-file";
import { filesBelow } from "./backend";
import { openProject, STACK, usesOwnBackend, type CommandContext } from "./context";
import { selectStack } from "./pulumi";

/**
 * Prints what a shell must evaluate, and nothing else, on standard output. In the project's own backend it makes
 * the stack where that is missing, which plain `pulumi` could only ask for; in one of the user's it makes nothing.
 */
export async function printEnvironment(context: CommandContext): Promise<number> {
  const { values } = parseArgs({
    args: [...context.args],
    options: { shell: { type: "string", default: "bash" } },
  });
  const shell = parseShell(values.shell);
  const project = await openProject(context, await readStackSettings(context.root, STACK));
  const { checkpoint } = filesBelow(stateFolder(context.root), STACK);
  if (usesOwnBackend(project) && !existsSync(checkpoint)) await selectStack(project, true);
  const { environment } = project;
  const { variables, pathPrefix } = environment;
  const unset = outdatedVariables(process.env, environment);
  process.stdout.write(exportLines(variables, { pathPrefix, unset, shell }));
  return 0;
}
