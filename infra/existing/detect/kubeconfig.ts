import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, isAbsolute, join, resolve } from "node:path";

import { parse } from "yaml";

import { suggest } from "../../../config/suggest";
import type { ExistingClusterArgs } from "../detection";
import { ExistingClusterError } from "./errors";

/** One context of a kubeconfig, complete in itself. */
export interface Selected {
  /** File, context and server, for messages. */
  readonly where: string;
  readonly context: string;
  readonly server: string;
  /** A kubeconfig with this context only, certificates inline, paths absolute. A secret. */
  readonly text: string;
}

type Fields = Readonly<Record<string, unknown>>;

interface Named {
  readonly name: string;
  readonly fields: Fields;
  /** Folder of its file: paths in it start there. */
  readonly folder: string;
}

interface Merged {
  readonly files: string;
  readonly current: string | undefined;
  readonly contexts: readonly Named[];
  readonly clusters: readonly Named[];
  readonly users: readonly Named[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the kubeconfig by kubectl's rules and takes one context out of it. Sends nothing.
 * @throws ExistingClusterError
 */
export function selectContext(
  args: ExistingClusterArgs,
  env: Environment = process.env,
  home: string = homedir(),
): Selected {
  const merged = merge(filesOf(args.kubeconfig, env, home), args.kubeconfig !== undefined);
  const context = contextOf(args.context, merged);
  const where = `${merged.files}, context ${context.name}`;
  const cluster = part("cluster", context, merged.clusters, where);
  const user = part("user", context, merged.users, where);
  const server = text(cluster.fields.server) ?? "";
  if (!URL.canParse(server)) {
    throw new ExistingClusterError({
      what: "the kubeconfig names no API server",
      where,
      why: `the server of its cluster ${cluster.name} is ${JSON.stringify(server)}, which is no URL`,
      fix: "write the kubeconfig anew with the tool that made the cluster",
    });
  }
  const complete = { where: `${where}, server ${server}` };
  const namespace = text(context.fields.namespace);
  const minimal = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name: cluster.name, cluster: inlined(cluster, ["certificate-authority"], complete) },
    ],
    users: [
      { name: user.name, user: inlined(user, ["client-certificate", "client-key"], complete) },
    ],
    contexts: [
      {
        name: context.name,
        context: {
          cluster: cluster.name,
          user: user.name,
          ...(namespace === undefined ? {} : { namespace }),
        },
      },
    ],
    "current-context": context.name,
  };
  return {
    ...complete,
    context: context.name,
    server,
    // JSON is YAML too, and the same each time.
    text: `${JSON.stringify(minimal, undefined, 2)}\n`,
  };
}

function filesOf(path: string | undefined, env: Environment, home: string): string[] {
  if (path !== undefined) {
    return [/^~(?=\/|$)/.test(path) ? join(home, path.slice(1)) : resolve(path)];
  }
  const named = (env.KUBECONFIG ?? "").split(delimiter).filter((file) => file !== "");
  return named.length > 0 ? named : [join(home, ".kube", "config")];
}

/** Of several files the first that names something decides; one that is not there is passed over. */
function merge(files: readonly string[], configured: boolean): Merged {
  const found = files.flatMap((file) => {
    const content = readOrNothing(file);
    return content === undefined ? [] : [{ folder: dirname(file), content }];
  });
  const names = files.join(delimiter);
  if (found.length === 0) {
    throw new ExistingClusterError({
      what: "there is no kubeconfig",
      where: names,
      why: files.length === 1 ? "the file does not exist" : "none of these files exists",
      fix: configured
        ? "correct drydock:cluster.kubeconfig"
        : "set drydock:cluster.kubeconfig or KUBECONFIG to the file that your cluster's tool wrote",
    });
  }
  const all = (list: string, key: string): Named[] =>
    found.flatMap(({ folder, content }) => namedParts(content[list], key, folder));
  return {
    files: names,
    current: found.map(({ content }) => text(content["current-context"])).find((it) => it),
    contexts: all("contexts", "context"),
    clusters: all("clusters", "cluster"),
    users: all("users", "user"),
  };
}

function readOrNothing(file: string): Fields | undefined {
  let content: string;
  try {
    content = readFileSync(file, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw new ExistingClusterError(
      {
        what: "the kubeconfig cannot be read",
        where: file,
        why: code ?? message,
        fix: "give this user the right to read it, or choose another with drydock:cluster.kubeconfig",
      },
      { cause: error },
    );
  }
  return parsed(content, file);
}

function parsed(content: string, file: string): Fields {
  let value: unknown;
  let line: number | undefined;
  try {
    value = parse(content, { logLevel: "error" });
  } catch (error) {
    // The parser's own message quotes the content, which holds credentials: the line must do.
    line = (error as { linePos?: { line: number }[] }).linePos?.[0]?.line;
  }
  if (isFields(value)) return value;
  throw new ExistingClusterError({
    what: "the kubeconfig is not one",
    where: line === undefined ? file : `${file}, line ${String(line)}`,
    why: line === undefined ? "it holds no map of clusters, users and contexts" : "it is not YAML",
    fix: "write it anew with the tool that made the cluster, or correct drydock:cluster.kubeconfig",
  });
}

function contextOf(wanted: string | undefined, { files, current, contexts }: Merged): Named {
  const name = wanted ?? current;
  const known = contexts.map((context) => context.name);
  const list = known.length === 0 ? "none" : known.join(", ");
  if (name === undefined) {
    throw new ExistingClusterError({
      what: "no context is chosen",
      where: files,
      why: `the kubeconfig has no current-context; it has the contexts: ${list}`,
      fix: "set drydock:cluster.context to one of them",
    });
  }
  const context = contexts.find((candidate) => candidate.name === name);
  if (context !== undefined) return context;
  const near = suggest(name, known);
  const rest =
    wanted === undefined ? "set drydock:cluster.context" : "correct drydock:cluster.context";
  throw new ExistingClusterError({
    what: `there is no context "${name}"`,
    where: files,
    why: `the kubeconfig has the contexts: ${list}`,
    fix: near === undefined ? rest : `${rest}: did you mean "${near}"?`,
  });
}

function part(
  kind: "cluster" | "user",
  context: Named,
  known: readonly Named[],
  where: string,
): Named {
  const name = text(context.fields[kind]);
  const found = known.find((candidate) => candidate.name === name);
  if (found !== undefined) return found;
  throw new ExistingClusterError({
    what: `the context names no ${kind} of its kubeconfig`,
    where,
    why: `its ${kind} is ${JSON.stringify(name ?? null)}; the kubeconfig has: ${known.map((it) => it.name).join(", ") || "none"}`,
    fix: "write the kubeconfig anew with the tool that made the cluster",
  });
}

/** Files become data, so that the text is complete; what is read again each time becomes absolute. */
function inlined(
  { fields, folder }: Named,
  files: readonly string[],
  at: { where: string },
): Fields {
  const result: Record<string, unknown> = { ...fields };
  for (const key of files) {
    const path = text(fields[key]);
    if (path === undefined) continue;
    result[`${key}-data`] ??= contentOf(resolve(folder, path), key, at.where);
    Reflect.deleteProperty(result, key);
  }
  const { tokenFile, exec } = fields;
  if (typeof tokenFile === "string") result.tokenFile = resolve(folder, tokenFile);
  if (isFields(exec) && typeof exec.command === "string") {
    const relative = exec.command.includes("/") && !isAbsolute(exec.command);
    result.exec = relative ? { ...exec, command: resolve(folder, exec.command) } : exec;
  }
  return result;
}

function contentOf(file: string, key: string, where: string): string {
  try {
    return readFileSync(file).toString("base64");
  } catch (error) {
    throw new ExistingClusterError(
      {
        what: `a file that the kubeconfig names as ${key} cannot be read`,
        where,
        why: `${file}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`,
        fix: "bring it back, or write the kubeconfig anew with the tool that made the cluster",
      },
      { cause: error },
    );
  }
}

function namedParts(list: unknown, key: string, folder: string): Named[] {
  return (Array.isArray(list) ? list : []).filter(isFields).flatMap((entry) => {
    const name = text(entry.name);
    const fields = entry[key];
    return name === undefined || !isFields(fields) ? [] : [{ name, fields, folder }];
  });
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
