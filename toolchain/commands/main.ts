import { ImageError } from "../../infra/images/errors";
import { userEnvironment } from "../environment";
import { ToolError } from "../errors";
import { projectRoot } from "../paths";
import { say, type CommandContext } from "./context";
import { doctor } from "./doctor";
import { down } from "./down";
import { drift } from "./drift";
import { printEnvironment } from "./env";
import { images } from "./images";
import { localClusters } from "./local-clusters";
import { preview } from "./preview";
import { recover } from "./recover";
import { restore } from "./restore";
import { snapshot } from "./snapshot";
import { start } from "./start";

const COMMANDS: Readonly<Record<string, (context: CommandContext) => Promise<number>>> = {
  start,
  preview,
  down,
  doctor,
  env: printEnvironment,
  images,
  drift,
  recover,
  snapshot,
  restore,
};

const USAGE = `Usage: npm start | npm run <command> [-- <arguments>]
  start    gets the tools, runs pulumi up of dev, prints the address (-y: no question; others go to pulumi up)
  preview  pulumi preview of dev with the policy pack (--stack NAME; others go to pulumi preview)
  down     destroys dev and its cluster (--force: even where pulumi destroy fails)
  doctor   what is here, what is missing, and the command that mends it
  snapshot saves the local cluster's etcd: path and size ([FILE]; default: in the cluster's folder)
  restore  puts a snapshot's objects in the place of the cluster's own (FILE; -y: no question)
  env      lines for eval: PATH, KUBECONFIG, backend, passphrase file (--shell bash | zsh | fish)
  images   every image of the program: layers, labels, base, SBOM ([NAME...]; --push REGISTRY, --verify, --sbom DIR,
           --json)
  drift    what differs between dev and the world: exit code 0 nothing, 7 something (--json, --stack NAME)
  recover  the way out after a killed run, a broken state or a change by hand (-y: no question, --stack NAME)`;

const INTERRUPTED = 130;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

async function main([name = "", ...args]: readonly string[]): Promise<number> {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined || args.includes("--help") || args.includes("-h")) {
    say(USAGE);
    return command === undefined ? 2 : 0;
  }
  const stop = new AbortController();
  for (const signal of SIGNALS) process.on(signal, () => stop.abort(new Error(signal)));
  const interactive = process.stdin.isTTY && process.stdout.isTTY;
  try {
    const env = userEnvironment(process.env);
    return await command({
      root: projectRoot(),
      args,
      env,
      localClusters,
      signal: stop.signal,
      interactive,
    });
  } catch (error) {
    if (stop.signal.aborted) {
      say("Interrupted. The same command continues where it stopped.");
      return INTERRUPTED;
    }
    if (!isExpected(error)) throw error;
    say(error.message);
    return 1;
  }
}

/** Errors whose message is written for the user: ours, and those of argument parsing. */
function isExpected(error: unknown): error is Error {
  if (error instanceof ToolError || error instanceof ImageError) return true;
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return code?.startsWith("ERR_PARSE_ARGS_") ?? false;
}

void main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const text = process.env.DRYDOCK_DEBUG === "1" && error instanceof Error ? error.stack : error;
    say(`${String(text)}\n  This is a fault of drydock; DRYDOCK_DEBUG=1 shows where.`);
    process.exitCode = 1;
  },
);
