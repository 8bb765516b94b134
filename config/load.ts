import * as pulumi from "@pulumi/pulumi";

import { versionWarning } from "./kubernetes-versions";
import { parseConfig } from "./parse";
import type { Config } from "./schema";

// Exported by the SDK at run time, absent from its type declarations; the counterpart of setAllConfig.
const { isConfigSecret } = pulumi.runtime as unknown as {
  isConfigSecret: (key: string) => boolean;
};

/**
 * Reads the stack's configuration: the only place that does.
 * @throws ConfigError that lists every problem
 */
export function loadConfig(source: pulumi.Config): Config {
  const prefix = `${source.name}:`;
  const all = Object.entries(pulumi.runtime.allConfig());
  const own = all
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, text]) => ({ key, section: key.slice(prefix.length), value: fromText(text) }));
  const config = parseConfig(
    Object.fromEntries(own.map(({ section, value }) => [section, value])),
    {
      namespace: source.name,
      secretSections: new Set(
        own.filter(({ key }) => isConfigSecret(key)).map(({ section }) => section),
      ),
      awsRegion: pulumi.runtime.allConfig()["aws:region"],
      foreignKeys: all.map(([key]) => key).filter((key) => !key.startsWith(prefix)),
    },
  );
  const { cluster } = config;
  const warning =
    cluster.kind === "existing" ? undefined : versionWarning(cluster.kubernetesVersion);
  if (warning !== undefined) void pulumi.log.warn(warning);
  return config;
}

/** Pulumi hands a map over as JSON, a scalar as the text that stands in the YAML file. */
function fromText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
