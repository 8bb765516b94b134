import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import { PluginError } from "../plugin/errors";
import type { CheckFailure } from "../plugin/provider";
import {
  containsUnknown,
  isMap,
  unwrapSecrets,
  type PropertyMap,
  type PropertyValue,
} from "../plugin/values";

/** The provider's configuration, with every default filled in. */
export interface Settings {
  /** Content or path; undefined: KUBECONFIG or ~/.kube/config. */
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly cluster: string | undefined;
  /** Namespace of objects that name none; undefined: that of the context, else `default`. */
  readonly namespace: string | undefined;
  readonly clusterIdentifier: string | undefined;
  /** Treat the objects of a cluster that cannot be reached as deleted. */
  readonly deleteUnreachable: boolean;
  /** Leave the objects of a cluster that cannot be reached as they are. */
  readonly skipUpdateUnreachable: boolean;
  /** Change the data of ConfigMaps in place instead of replacing the object. */
  readonly enableConfigMapMutable: boolean;
  readonly enableSecretMutable: boolean;
  /** Take over an existing object on create instead of failing. */
  readonly upsertExistingObjects: boolean;
  /** Take fields over from other managers instead of reporting a conflict. */
  readonly enablePatchForce: boolean;
  readonly suppressDeprecationWarnings: boolean;
  readonly client: ClientSettings;
}

export interface ClientSettings {
  /** Requests a second, over time. Default 50. */
  readonly qps: number;
  /** Requests at once. Default 120. */
  readonly burst: number;
  /** Seconds one request may take. Default 32. */
  readonly timeoutSeconds: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the arguments of a provider resource; nested values may come as JSON text. */
export function readSettings(args: PropertyMap, env: Environment = process.env): Settings {
  const clear = unwrapSecrets(args);
  const text = (key: string, variable?: string): string | undefined => {
    const value = clear[key];
    if (isMap(value)) {
      return JSON.stringify(value);
    }
    const found =
      typeof value === "string" ? value : variable === undefined ? undefined : env[variable];
    return found === undefined || found === "" ? undefined : found;
  };
  const flag = (key: string, variable: string): boolean => isTrue(clear[key] ?? env[variable]);
  const client = decode(clear.kubeClientSettings);
  const limits = isMap(client) ? client : {};
  const number = (key: string, variable: string, fallback: number): number => {
    const value = Number(plain(limits[key]) ?? env[variable] ?? fallback);
    return Number.isFinite(value) && value > 0 ? value : fallback;
  };
  return {
    kubeconfig: text("kubeconfig"),
    context: text("context"),
    cluster: text("cluster"),
    namespace: text("namespace"),
    clusterIdentifier: text("clusterIdentifier", "PULUMI_K8S_CLUSTER_IDENTIFIER"),
    deleteUnreachable: flag("deleteUnreachable", "PULUMI_K8S_DELETE_UNREACHABLE"),
    skipUpdateUnreachable: flag("skipUpdateUnreachable", "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE"),
    enableConfigMapMutable: flag("enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE"),
    enableSecretMutable: flag("enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE"),
    upsertExistingObjects: flag("upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"),
    enablePatchForce: flag("enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE"),
    suppressDeprecationWarnings: flag(
      "suppressDeprecationWarnings",
      "PULUMI_K8S_SUPPRESS_DEPRECATION_WARNINGS",
    ),
    client: {
      qps: number("qps", "PULUMI_K8S_CLIENT_QPS", 50),
      burst: number("burst", "PULUMI_K8S_CLIENT_BURST", 120),
      timeoutSeconds: number("timeout", "PULUMI_K8S_CLIENT_TIMEOUT", 32),
    },
  };
}

/** What this provider cannot do, each with its reason; empty when the arguments are fine. */
export function refusals(args: PropertyMap, urn = ""): CheckFailure[] {
  const clear = unwrapSecrets(args);
  const failures = isTrue(clear.strictMode) ? strictFailures(clear, urn) : [];
  if (clear.renderYamlToDirectory !== undefined) {
    failures.push({
      property: "renderYamlToDirectory",
      reason:
        "rendering writes Secrets in clear and cannot be combined with a cluster. " +
        "Use the project's own rendering of the program instead.",
    });
  }
  if (String(plain(clear.enableServerSideApply) ?? true).toLowerCase() === "false") {
    failures.push({
      property: "enableServerSideApply",
      reason: "this provider always uses server-side apply. Remove the setting.",
    });
  }
  const limits = clear.kubeClientSettings;
  if (limits !== undefined && !containsUnknown(limits) && !isMap(decode(limits))) {
    failures.push({ property: "kubeClientSettings", reason: "not a JSON object" });
  }
  return failures;
}

/** Strict mode: nothing may decide on the cluster but the arguments of an explicit provider. */
function strictFailures(clear: PropertyMap, urn: string): CheckFailure[] {
  const failures: CheckFailure[] = [];
  if (/::default_[^:]*$/.test(urn)) {
    const reason = "strict mode allows no default provider: pass an explicit one to each resource";
    failures.push({ property: "strictMode", reason });
  }
  for (const property of ["kubeconfig", "context"]) {
    if (clear[property] === undefined || clear[property] === "") {
      failures.push({ property, reason: "strict mode requires it" });
    }
  }
  return failures;
}

export type KubeconfigSource =
  | { readonly kind: "content"; readonly content: string }
  | { readonly kind: "files"; readonly paths: readonly string[] };

/** Where the kubeconfig comes from: the argument as a path or content, else the environment. */
export function kubeconfigSource(
  kubeconfig: string | undefined,
  env: Environment = process.env,
): KubeconfigSource {
  if (kubeconfig === undefined) {
    const named = (env.KUBECONFIG ?? "").split(":").filter((path) => path !== "");
    const paths = named.length > 0 ? named : [join(homedir(), ".kube", "config")];
    return {
      kind: "files",
      paths: existing(paths, 'Set "kubeconfig" of the provider, or KUBECONFIG.'),
    };
  }
  // Content has line breaks or is a JSON object; anything else can only be a path.
  if (kubeconfig.includes("\n") || kubeconfig.trimStart().startsWith("{")) {
    return { kind: "content", content: kubeconfig };
  }
  const path = kubeconfig.startsWith("~/") ? join(homedir(), kubeconfig.slice(2)) : kubeconfig;
  return { kind: "files", paths: existing([path], "It is neither a file nor YAML content.") };
}

function existing(paths: readonly string[], hint: string): string[] {
  const found = paths.filter((path) => existsSync(path));
  if (found.length === 0) {
    throw new PluginError(`no kubeconfig at ${paths.join(", ")}. ${hint}`);
  }
  return found;
}

function isTrue(value: PropertyValue | undefined): boolean {
  return String(plain(value) ?? false).toLowerCase() === "true";
}

function plain(value: PropertyValue | undefined): boolean | number | string | undefined {
  return typeof value === "boolean" || typeof value === "number" || typeof value === "string"
    ? value
    : undefined;
}

function decode(value: PropertyValue | undefined): PropertyValue | undefined {
  if (typeof value !== "string") {
    return value;
  }
  try {
    return JSON.parse(value) as PropertyValue;
  } catch {
    return value;
  }
}
