import { PluginError } from "../plugin/errors";
import { ObjectApi } from "./api";
import { Waiter } from "./await/wait";
import { Client } from "./client";
import { Connection } from "./connection";
import { Discovery } from "./discovery";
import { loadKubeconfig } from "./kubeconfig";
import type { Settings } from "./settings";

/** Everything that talks to one cluster. */
export interface Cluster {
  readonly api: ObjectApi;
  readonly discovery: Discovery;
  readonly waiter: Waiter;
  /** Namespace of objects that name none. */
  readonly defaultNamespace: string;
  close(): void;
}

/** The kubeconfig cannot be used: no cluster can be named, let alone reached. */
export class KubeconfigError extends PluginError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "KubeconfigError";
  }
}

/** Prepares the connection; nothing is sent yet. */
export async function openCluster(settings: Settings): Promise<Cluster> {
  const config = await loadKubeconfig(settings).catch((error: unknown) => {
    throw new KubeconfigError(error instanceof Error ? error.message : String(error), {
      cause: error,
    });
  });
  const client = new Client(new Connection(config), settings.client);
  const discovery = new Discovery(client);
  const fromContext = config.getContextObject(config.getCurrentContext())?.namespace;
  return {
    api: new ObjectApi(client, discovery),
    discovery,
    waiter: new Waiter(client, discovery),
    defaultNamespace: settings.namespace ?? fromContext ?? "default",
    close: () => client.close(),
  };
}
