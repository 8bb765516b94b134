import { existsSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";

import { ToolError } from "../errors";
import { readStackSettings } from "../stack-file";
import { localCluster, say, STACK, userPath, type CommandContext } from "./context";

const DECLINED = 1;

/** Puts a snapshot's objects in the place of the local cluster's own. Asks, but for `-y` or without a terminal. */
export async function restore(context: CommandContext): Promise<number> {
  const { positionals, values } = parseArgs({
    args: [...context.args],
    allowPositionals: true,
    options: { yes: { type: "boolean", short: "y", default: false } },
  });
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) {
    throw new ToolError({
      what: `restore takes one file, not ${positionals.length}`,
      fix: "npm run restore -- FILE; npm run snapshot prints the name of the file it writes",
    });
  }
  const path = userPath(file, context.env);
  if (!existsSync(path)) {
    throw new ToolError({ what: `there is no file ${path}`, fix: "check the path" });
  }
  const cluster = localCluster(context, await readStackSettings(context.root, STACK));
  const confirm = () =>
    values.yes || !context.interactive ? Promise.resolve(true) : ask(context.signal);
  if (!(await context.localClusters.restore(cluster, path, confirm))) {
    say("Nothing was changed.");
    return DECLINED;
  }
  say(`Restored. Every object is as it was when the snapshot was taken.
Pulumi's state may differ from it now: \`pulumi refresh -s ${STACK}\` or \`npm run drift\` shows where.`);
  return 0;
}

async function ask(signal: AbortSignal): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const question =
      "All objects of the cluster are replaced by those of the snapshot; what was made since is lost. Go on? [y/N] ";
    return /^y(es)?$/i.test((await terminal.question(question, { signal })).trim());
  } finally {
    terminal.close();
  }
}
