import http from "node:http";
import https from "node:https";

import type { KubeConfig } from "@kubernetes/client-node/dist/config.js";

import { PluginError } from "../plugin/errors";
import { UnreachableError } from "./errors";

/** Headers and TLS settings that a credential plugin or the kubeconfig gives for one request. */
type Credentials = https.RequestOptions;

const TLS_FIELDS = [
  "ca",
  "cert",
  "key",
  "pfx",
  "passphrase",
  "rejectUnauthorized",
  "servername",
] as const;

export interface RawRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** HTTP to one API server with the credentials of a kubeconfig; connections are kept alive. */
export class Connection {
  readonly server: string;
  private readonly base: URL;
  private agent: http.Agent | undefined;
  private agentKey = "";

  constructor(private readonly config: KubeConfig) {
    const server = config.getCurrentCluster()?.server ?? "";
    if (!URL.canParse(server)) {
      throw new PluginError(`the kubeconfig names "${server}" as server, which is no URL`);
    }
    this.server = server.replace(/\/+$/, "");
    this.base = new URL(this.server);
  }

  /**
   * Sends one request and returns the response as soon as its headers are there.
   *
   * @throws UnreachableError when no answer comes; an AbortError when `signal` says so.
   */
  async send(request: RawRequest): Promise<http.IncomingMessage> {
    const credentials = await this.credentials();
    const isPlain = this.base.protocol === "http:";
    const options: https.RequestOptions = {
      method: request.method,
      protocol: this.base.protocol,
      hostname: this.base.hostname.replace(/^\[|\]$/g, ""),
      port: this.base.port,
      path: `${this.base.pathname.replace(/\/$/, "")}${request.path}`,
      headers: {
        Accept: "application/json",
        "User-Agent": "drydock-kubernetes",
        ...(credentials.headers as http.OutgoingHttpHeaders | undefined),
        ...request.headers,
        ...(request.body === undefined
          ? {}
          : { "Content-Length": Buffer.byteLength(request.body) }),
      },
      ...(typeof credentials.auth === "string" ? { auth: credentials.auth } : {}),
      agent: this.agentFor(credentials),
      signal: request.signal,
    };
    return new Promise((resolve, reject) => {
      const call = (isPlain ? http : https).request(options, resolve);
      call.on("error", (error: NodeJS.ErrnoException) => {
        reject(request.signal.aborted ? error : this.unreachable(error));
      });
      call.end(request.body);
    });
  }

  /** Turns a broken connection, also one that breaks inside a body, into the user's error. */
  unreachable(error: NodeJS.ErrnoException): UnreachableError {
    const code = error.code ?? "";
    const detail = REASONS[code] ?? (error.message === "" ? code : error.message);
    return new UnreachableError(this.server, code, detail);
  }

  close(): void {
    this.agent?.destroy();
    this.agent = undefined;
  }

  private async credentials(): Promise<Credentials> {
    const options: Credentials = {};
    try {
      // Credential plugins (exec) cache their token inside the library until it expires.
      await this.config.applyToHTTPSOptions(options);
    } catch (error) {
      const user = this.config.getCurrentUser()?.name ?? "";
      throw new PluginError(
        `the credentials of kubeconfig user "${user}" cannot be obtained: ${firstLine(error)}`,
        { cause: error },
      );
    }
    return options;
  }

  /** One agent as long as the TLS settings stay the same: the library would make one a request. */
  private agentFor(credentials: Credentials): http.Agent {
    const tls = Object.fromEntries(
      TLS_FIELDS.filter((field) => credentials[field] !== undefined).map((field) => [
        field,
        credentials[field],
      ]),
    );
    const key = JSON.stringify(tls);
    if (this.agent === undefined || key !== this.agentKey) {
      this.agent = this.createAgent(credentials, tls);
      this.agentKey = key;
    }
    return this.agent;
  }

  private createAgent(credentials: Credentials, tls: https.AgentOptions): http.Agent {
    const proxied = this.config.getCurrentCluster()?.proxyUrl !== undefined;
    if (proxied && credentials.agent instanceof http.Agent) {
      return credentials.agent;
    }
    const keepAlive = { keepAlive: true, keepAliveMsecs: 30_000 };
    return this.base.protocol === "http:"
      ? new http.Agent(keepAlive)
      : new https.Agent({ ...keepAlive, ...tls });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused. Is the cluster running?",
  ECONNRESET: "the connection was reset",
  ENOTFOUND: "its host name is not known",
  EAI_AGAIN: "its host name cannot be looked up at the moment",
  ETIMEDOUT: "the connection timed out",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to the network",
};

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
}
