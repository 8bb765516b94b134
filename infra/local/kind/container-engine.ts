import { execa } from "execa";

export type ContainerEngineName = "docker" | "podman";

/** A container engine that answers. */
export interface ContainerEngine {
  readonly name: ContainerEngineName;
  /** Of the server. */
  readonly version: string;
}

/** The engine that kind would use, or why each one cannot be used. */
export type EngineSearch =
  | { readonly found: ContainerEngine }
  | { readonly found: undefined; readonly reasons: readonly string[] };

type Environment = Readonly<Record<string, string | undefined>>;

const ASK_TIMEOUT_MS = 5_000;

const QUESTIONS: readonly [ContainerEngineName, readonly string[]][] = [
  ["docker", ["version", "--format", "{{.Server.Version}}"]],
  ["podman", ["info", "--format", "{{.Version.Version}}"]],
];

/** Asks Docker, then Podman, through their own command lines: what they reach, kind reaches. */
export async function findContainerEngine(env: Environment = process.env): Promise<EngineSearch> {
  const reasons: string[] = [];
  for (const [name, args] of QUESTIONS) {
    const answer = await ask(name, args, env);
    if ("version" in answer) return { found: { name, version: answer.version } };
    reasons.push(`${name}: ${answer.reason}`);
  }
  return { found: undefined, reasons };
}

async function ask(
  name: ContainerEngineName,
  args: readonly string[],
  env: Environment,
): Promise<{ readonly version: string } | { readonly reason: string }> {
  const { stdout, stderr, ...result } = await execa(name, args, {
    env: containerEnvironment(env),
    extendEnv: false,
    reject: false,
    stdin: "ignore",
    timeout: ASK_TIMEOUT_MS,
  });
  // First: what never started has no output.
  if (result.code === "ENOENT") return { reason: "not installed" };
  const version = /^\d+\.\d+\S*$/.exec(stdout.trim())?.[0];
  if (!result.failed && version !== undefined) return { version };
  if (result.timedOut) return { reason: `no answer within ${String(ASK_TIMEOUT_MS / 1000)} s` };
  const said = stderr.trim().split("\n").at(-1) ?? "";
  return { reason: said === "" ? "no answer" : said };
}

const PASSED =
  /^(?:PATH|HOME|USER|TMPDIR|(?:DOCKER|CONTAINERS?|XDG|SSH_AUTH)_.*|DBUS_SESSION_BUS_ADDRESS|https?_proxy|no_proxy)$/i;

/** What the engines' command lines need of the user's environment; a passphrase is not of it. */
export function containerEnvironment(env: Environment = process.env): Record<string, string> {
  const passed = Object.entries(env).filter(([name]) => PASSED.test(name));
  return Object.fromEntries(
    passed.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
