import { KubeConfig } from "@kubernetes/client-node/dist/config.js";

import { Client, type ApiRequest } from "../../../toolchain/kubernetes/client";
import { Connection } from "../../../toolchain/kubernetes/connection";
import type { Json, JsonMap } from "../../../toolchain/kubernetes/objects";
import { eventually } from "../../support/eventually";

/** The API server as somebody else uses it: a controller, kubectl, a colleague. */
export class OtherClient {
  private readonly client: Client;

  constructor(kubeconfig: string) {
    const config = new KubeConfig();
    config.loadFromString(kubeconfig);
    const settings = { qps: 100, burst: 100, timeoutSeconds: 30 };
    this.client = new Client(new Connection(config), settings);
  }

  get(path: string): Promise<JsonMap> {
    return this.request({ method: "GET", path });
  }

  post(path: string, body: Json, fieldManager = "someone-else"): Promise<JsonMap> {
    return this.request({ method: "POST", path, body, query: { fieldManager } });
  }

  merge(path: string, body: Json, fieldManager = "someone-else"): Promise<JsonMap> {
    const contentType = "application/merge-patch+json";
    return this.request({ method: "PATCH", path, body, contentType, query: { fieldManager } });
  }

  delete(path: string): Promise<JsonMap> {
    return this.request({ method: "DELETE", path });
  }

  /** Waits until `find` gives a value. */
  eventually<T>(find: () => Promise<T | undefined>): Promise<T> {
    return eventually(find);
  }

  close(): void {
    this.client.close();
  }

  private async request(request: ApiRequest): Promise<JsonMap> {
    const patience = { signal: new AbortController().signal, retryUntil: Date.now() + 30_000 };
    return (await this.client.request(request, patience)) as JsonMap;
  }
}
