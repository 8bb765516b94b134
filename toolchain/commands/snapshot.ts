import { parseArgs } from "node:util";

import { ToolError } from "../errors";
import { readStackSettings } from "../stack-file";
import { localCluster, say, STACK, userPath, type CommandContext } from "./context";

/** Saves the local cluster's etcd. Standard output: the file's path. */
export async function snapshot(context: CommandContext): Promise<number> {
  const { positionals } = parseArgs({ args: [...context.args], allowPositionals: true });
  const [file, ...more] = positionals;
  if (more.length > 0) {
    throw new ToolError({
      what: `snapshot takes one file, not ${positionals.length}`,
      fix: "npm run snapshot -- FILE, or without a file for one in the cluster's folder",
    });
  }
  const cluster = localCluster(context, await readStackSettings(context.root, STACK));
  const target = file === undefined ? undefined : userPath(file, context.env);
  const saved = await context.localClusters.snapshot(cluster, target);
  process.stdout.write(`${saved.file}\n`);
  const megabytes = (saved.bytes / 1e6).toFixed(1);
  say(`${megabytes} MB. It holds the cluster's Secrets: readable by its owner only, keep it so.`);
  return 0;
}
