import type { KubeConfig } from "@kubernetes/client-node/dist/config.js";

import { PluginError } from "../plugin/errors";
import { kubeconfigSource, type Settings } from "./settings";

/** What tells one cluster from another: the server's address and its certificate authority. */
export interface ClusterIdentity {
  readonly server: string;
  readonly certificate: string;
}

/**
 * Loads the kubeconfig and selects the context.
 *
 * @throws PluginError when it cannot be read, or names no usable context or cluster.
 */
export async function loadKubeconfig(settings: Settings): Promise<KubeConfig> {
  // The library takes its whole API model along: load it only when there is a cluster to talk to.
  const { KubeConfig } = await import("@kubernetes/client-node/dist/config.js");
  const config = new KubeConfig();
  try {
    read(config, settings, () => new KubeConfig());
  } catch (error) {
    if (error instanceof PluginError) {
      throw error;
    }
    // The parser's own message can quote the content, which holds credentials.
    throw new PluginError("the kubeconfig is not valid YAML or lacks a required field", {
      cause: error,
    });
  }
  select(config, settings);
  return config;
}

/** The identity of the active cluster; undefined when the kubeconfig cannot be read. */
export async function clusterIdentity(settings: Settings): Promise<ClusterIdentity | undefined> {
  try {
    const cluster = (await loadKubeconfig(settings)).getCurrentCluster();
    return cluster === null
      ? undefined
      : { server: cluster.server, certificate: cluster.caData ?? cluster.caFile ?? "" };
  } catch (error) {
    if (error instanceof PluginError) {
      return undefined;
    }
    throw error;
  }
}

function read(config: KubeConfig, settings: Settings, create: () => KubeConfig): void {
  const source = kubeconfigSource(settings.kubeconfig);
  if (source.kind === "content") {
    config.loadFromString(source.content);
    return;
  }
  const [first = "", ...others] = source.paths;
  config.loadFromFile(first);
  for (const path of others) {
    const other = create();
    other.loadFromFile(path);
    config.mergeConfig(other);
  }
}

function select(config: KubeConfig, settings: Settings): void {
  if (settings.context !== undefined) {
    if (config.getContextObject(settings.context) === null) {
      const known = config.contexts.map(({ name }) => name).join(", ");
      throw new PluginError(
        `the kubeconfig has no context "${settings.context}". It has: ${known === "" ? "none" : known}.`,
      );
    }
    config.setCurrentContext(settings.context);
  }
  if (settings.cluster !== undefined) {
    const name = config.getCurrentContext();
    config.contexts = config.contexts.map((context) =>
      context.name === name
        ? { ...context, cluster: settings.cluster ?? context.cluster }
        : context,
    );
  }
  if (config.getCurrentCluster() === null) {
    throw new PluginError(
      'the kubeconfig names no cluster to use: set its current-context, or "context" of the provider',
    );
  }
}
