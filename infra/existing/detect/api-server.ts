import { X509Certificate } from "node:crypto";

import type { KubeConfig } from "@kubernetes/client-node/dist/config.js";

import { Connection } from "../../../toolchain/kubernetes/connection";
import { UnreachableError } from "../../../toolchain/kubernetes/errors";
import { PluginError } from "../../../toolchain/plugin/errors";
import { type ClusterProblem, ExistingClusterError } from "./errors";
import type { Selected } from "./kubeconfig";

/** A cluster that has not answered by then is taken as unreachable. */
const ANSWER_MS = 10_000;
const PAGE_SIZE = 500;

interface Answer {
  readonly status: number;
  readonly body: string;
}

interface List<T> {
  readonly items?: readonly T[];
  readonly metadata?: { readonly continue?: string };
}

/** The few calls of the detection, with the credentials of a kubeconfig, whatever kind they are. */
export class ApiServer {
  private constructor(
    private readonly selected: Selected,
    private readonly config: KubeConfig,
    private readonly connection: Connection,
    private readonly signal: AbortSignal,
  ) {}

  /** Sends nothing yet. */
  static async open(selected: Selected, signal: AbortSignal): Promise<ApiServer> {
    // The library takes its whole API model along: load it only when there is a cluster to talk to.
    const { KubeConfig } = await import("@kubernetes/client-node/dist/config.js");
    const config = new KubeConfig();
    config.loadFromString(selected.text);
    return new ApiServer(selected, config, new Connection(config), signal);
  }

  close(): void {
    this.connection.close();
  }

  /** @throws ExistingClusterError, also where the answer is a refusal */
  async get<T>(path: string): Promise<T> {
    return this.read("GET", path, await this.send("GET", path)) as T;
  }

  async post<T>(path: string, body: unknown): Promise<T> {
    return this.read("POST", path, await this.send("POST", path, JSON.stringify(body))) as T;
  }

  /** undefined where the cluster has no such thing, or does not show it. */
  async find<T>(path: string): Promise<T | undefined> {
    const answer = await this.send("GET", path);
    const hidden = answer.status === 404 || answer.status === 403;
    return hidden ? undefined : (this.read("GET", path, answer) as T);
  }

  /** All pages of a list; empty where the cluster has no such kind. */
  async list<T>(path: string): Promise<T[]> {
    const items: T[] = [];
    let next: string | undefined;
    do {
      const query = new URLSearchParams({
        limit: String(PAGE_SIZE),
        ...(next && { continue: next }),
      });
      const page = await this.find<List<T>>(`${path}?${query.toString()}`);
      items.push(...(page?.items ?? []));
      next = page?.metadata?.continue;
    } while (next !== undefined && next !== "");
    return items;
  }

  private async send(method: string, path: string, body?: string): Promise<Answer> {
    const limit = AbortSignal.timeout(ANSWER_MS);
    const signal = AbortSignal.any([this.signal, limit]);
    try {
      return await Promise.race([this.exchange(method, path, body, signal), aborted(signal)]);
    } catch (error) {
      this.signal.throwIfAborted();
      if (limit.aborted) throw this.unreachable(`no answer within ${String(ANSWER_MS / 1000)} s`);
      if (error instanceof UnreachableError) throw this.broken(error);
      if (error instanceof PluginError) throw this.noCredentials(error);
      throw error;
    }
  }

  private async exchange(
    method: string,
    path: string,
    body: string | undefined,
    signal: AbortSignal,
  ): Promise<Answer> {
    const headers = body === undefined ? {} : { "Content-Type": "application/json" };
    const response = await this.connection.send({
      method,
      path,
      headers,
      signal,
      ...(body === undefined ? {} : { body }),
    });
    let content = "";
    for await (const chunk of response.setEncoding("utf8")) content += String(chunk);
    return { status: response.statusCode ?? 0, body: content };
  }

  private read(method: string, path: string, { status, body }: Answer): unknown {
    if (status === 401) throw this.unauthorized();
    const value = parsed(body);
    if (status >= 200 && status < 300 && value !== undefined) return value;
    const said = (value as { message?: string } | undefined)?.message ?? `HTTP ${String(status)}`;
    throw this.problem({
      what: `the API server refused ${method} ${path}`,
      why: said,
      fix:
        status === 403
          ? "ask its administrator for the right, or choose a context of another user"
          : "see that the server of the kubeconfig is a Kubernetes API server, and that it is well",
    });
  }

  private problem(problem: Omit<ClusterProblem, "where">, cause?: unknown): ExistingClusterError {
    return new ExistingClusterError({ ...problem, where: this.selected.where }, { cause });
  }

  private unreachable(why: string, cause?: unknown): ExistingClusterError {
    return this.problem(
      {
        what: "the cluster cannot be reached",
        why,
        fix: "start the cluster or the VPN to it, or choose another context with drydock:cluster.context",
      },
      cause,
    );
  }

  private broken(error: UnreachableError): ExistingClusterError {
    const reason = error.message.slice(error.message.indexOf(": ") + 2);
    if (!/CERT|SIGNED|SIGNATURE|ISSUER|TLS|SSL|EPROTO/.test(error.code)) {
      return this.unreachable(reason, error);
    }
    return this.problem(
      {
        what: "there is no trust between the API server and this kubeconfig",
        why: `${reason} (${error.code})`,
        fix: "the server is another one than the kubeconfig was written for, or its certificates were renewed: write the kubeconfig anew with the tool that made the cluster",
      },
      error,
    );
  }

  private noCredentials(error: PluginError): ExistingClusterError {
    const command = (this.config.getCurrentUser()?.exec as { command?: string } | undefined)
      ?.command;
    return this.problem(
      {
        what: "the credentials cannot be obtained",
        why: error.message,
        fix:
          command === undefined
            ? "write the kubeconfig anew with the tool that made the cluster"
            : `see that ${command} is installed and logged in: kubectl get namespaces must work in this shell`,
      },
      error,
    );
  }

  private unauthorized(): ExistingClusterError {
    const user = this.config.getCurrentUser();
    return this.problem({
      what: "the API server does not accept the credentials",
      why: `user ${user?.name ?? ""}: ${expiry(user) ?? "they are wrong or expired (401 Unauthorized)"}`,
      fix: "log in again, or write the kubeconfig anew with the tool that made the cluster",
    });
  }
}

/** When a certificate or a token ended; undefined where it did not, or does not say. */
function expiry(user: { certData?: string; token?: string } | null): string | undefined {
  const now = Date.now();
  if (user?.certData !== undefined) {
    const { validTo } = new X509Certificate(Buffer.from(user.certData, "base64"));
    if (Date.parse(validTo) < now) return `the client certificate expired on ${validTo}`;
  }
  const claims = parsed(Buffer.from(user?.token?.split(".")[1] ?? "", "base64url").toString());
  const expires = (claims as { exp?: number } | undefined)?.exp;
  if (typeof expires !== "number" || expires * 1000 > now) return undefined;
  return `the token expired on ${new Date(expires * 1000).toISOString()}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Rejects when the signal fires: a credential plugin knows nothing of it. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}
