import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

/** It has not touched the request. Said too while a cache of the server fills: "storage is (re)initializing". */
const TOO_MANY_REQUESTS = 429;
const RETRY_MS = 250;
const PUT_OFF_MS = 15_000;

/** Where an API server is and who calls it; keys and certificates in PEM. */
export interface ApiCredentials {
  readonly server: string;
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** The fields of a Kubernetes object that this folder reads. */
export interface KubernetesObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly creationTimestamp?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

export interface WatchEvent<T extends KubernetesObject> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: T;
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** Credentials out of a kubeconfig written by {@link "./pki".kubeconfig}. */
export function credentialsOf(kubeconfigFile: string): ApiCredentials {
  const config = JSON.parse(readFileSync(kubeconfigFile, "utf8")) as {
    clusters: [{ cluster: Record<string, string> }];
    users: [{ user: Record<string, string> }];
  };
  const { cluster } = config.clusters[0];
  const { user } = config.users[0];
  const pem = (value = ""): string => Buffer.from(value, "base64").toString("utf8");
  return {
    server: cluster.server ?? "",
    authority: pem(cluster["certificate-authority-data"]),
    certificate: pem(user["client-certificate-data"]),
    key: pem(user["client-key-data"]),
  };
}

/** The two ways of a patch that are used here. */
const PATCH_TYPES: Readonly<Record<string, string>> = {
  PATCH: "application/merge-patch+json",
  APPLY: "application/apply-patch+yaml",
};

/**
 * The few calls that the runtime and the agent make. @kubernetes/client-node would do, at some
 * 60 MB of memory for a process that lives as long as the cluster.
 */
export class Api {
  private readonly agent: Agent;

  constructor(private readonly credentials: ApiCredentials) {
    const { authority: ca, certificate: cert, key } = credentials;
    this.agent = new Agent({ ca, cert, key, keepAlive: true });
  }

  close(): void {
    this.agent.destroy();
  }

  /**
   * One that the server puts off, because it has only just started or is busy, is made again.
   *
   * @throws ApiError with the status that the server gave, or the connection's own error.
   */
  async call<T = KubernetesObject>(method: string, path: string, body?: unknown): Promise<T> {
    const patient = Date.now() + PUT_OFF_MS;
    for (;;) {
      try {
        return await this.callOnce<T>(method, path, body);
      } catch (error) {
        const putOff = error instanceof ApiError && error.status === TOO_MANY_REQUESTS;
        if (!putOff || Date.now() > patient) {
          throw error;
        }
        await sleep(RETRY_MS);
      }
    }
  }

  /** For a caller to whom a call that is put off says something. @throws as {@link call} */
  async callOnce<T = KubernetesObject>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.send(method, path, body);
    let text = "";
    for await (const chunk of response) {
      text += String(chunk);
    }
    const status = response.statusCode ?? 0;
    if (status >= 300) {
      throw new ApiError(status, messageOf(text));
    }
    return (text.startsWith("{") ? JSON.parse(text) : text) as T;
  }

  /** Makes the object as it is given, or changes one that is there: server-side apply. */
  async apply(path: string, object: object): Promise<void> {
    await this.call("APPLY", `${path}?fieldManager=drydock&force=true`, object);
  }

  /** Events of a watch until the server ends it or `signal` aborts. */
  async *watch<T extends KubernetesObject>(
    path: string,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>> {
    const response = await this.send("GET", path, undefined, signal);
    if ((response.statusCode ?? 0) >= 300) {
      response.resume();
      throw new ApiError(response.statusCode ?? 0, `watch of ${path} was refused`);
    }
    for await (const line of createInterface({ input: response })) {
      yield JSON.parse(line) as WatchEvent<T>;
    }
  }

  private send(
    method: string,
    path: string,
    body?: unknown,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    const url = new URL(path, this.credentials.server);
    const type = PATCH_TYPES[method];
    return new Promise((resolve, reject) => {
      const call = request(
        url,
        {
          method: type === undefined ? method : "PATCH",
          agent: this.agent,
          headers: { accept: "application/json", "content-type": type ?? "application/json" },
          ...(signal === undefined ? { timeout: 10_000 } : { signal }),
        },
        resolve,
      );
      call.on("timeout", () => call.destroy(new Error("the API server does not answer")));
      call.on("error", reject);
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

/** @returns undefined where the object that was called, or its kind, is not there (any more) */
export async function unlessGone<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

/** @returns names of the objects of a collection; none where the kind is not known (any more) */
export async function namesIn(api: Api, path: string): Promise<string[]> {
  const list = await unlessGone(api.call<{ items: KubernetesObject[] }>("GET", path));
  return list?.items.map(({ metadata }) => metadata.name) ?? [];
}

function messageOf(text: string): string {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? text;
  } catch {
    return text;
  }
}
