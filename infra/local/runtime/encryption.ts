import { randomBytes } from "node:crypto";
import { createReadStream, existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { type Api, ApiError, type KubernetesObject } from "./api";
import { LocalClusterError } from "./errors";
import type { ClusterPaths } from "./paths";
import { readText } from "./process";

/** Precedes each value in etcd, with the key's name after it. */
const ENCRYPTED = "k8s:enc:secretbox:v1:";
const KEY_BYTES = 32;
/** Of a key's name with the colon that ends it. */
const LONGEST_NAME = 64;

interface EncryptionConfiguration {
  readonly resources: readonly {
    readonly providers: readonly { readonly secretbox?: { readonly keys: { name: string }[] } }[];
  }[];
}

/**
 * Makes the cluster's own key, unless it has one: kube-apiserver encrypts Secrets with it before etcd
 * sees them. What lies there unencrypted from before stays readable (`identity`).
 * Source: https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/
 */
export function ensureEncryptionKey(paths: Pick<ClusterPaths, "encryption">): void {
  if (existsSync(paths.encryption)) {
    return;
  }
  // A name of its own, by which a snapshot tells whose key it needs.
  const name = `key-${randomBytes(8).toString("hex")}`;
  const secret = randomBytes(KEY_BYTES).toString("base64");
  const config = {
    apiVersion: "apiserver.config.k8s.io/v1",
    kind: "EncryptionConfiguration",
    resources: [
      {
        resources: ["secrets"],
        providers: [{ secretbox: { keys: [{ name, secret }] } }, { identity: {} }],
      },
    ],
  };
  const draft = `${paths.encryption}.new`;
  rmSync(draft, { force: true });
  writeFileSync(draft, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(draft, paths.encryption);
}

/** Encrypts what a cluster held before it had a key; once. */
export async function encryptFormerSecrets(
  api: Api,
  paths: ClusterPaths,
  onProgress: (line: string) => void,
): Promise<void> {
  const done = join(paths.root, "secrets-encrypted");
  if (existsSync(done)) {
    return;
  }
  const count = await rewriteSecrets(api);
  if (count > 0) {
    onProgress(`encrypted ${String(count)} Secrets in etcd`);
  }
  writeFileSync(done, "");
}

/**
 * Has every Secret stored anew as it is: the API server writes one whose encryption is not the present
 * one even where nothing else changes.
 * @returns how many there are
 */
export async function rewriteSecrets(api: Api): Promise<number> {
  const { items } = await api.call<{ items: KubernetesObject[] }>("GET", "/api/v1/secrets");
  for (const secret of items) {
    const { name, namespace = "default" } = secret.metadata;
    try {
      await api.call("PUT", `/api/v1/namespaces/${namespace}/secrets/${name}`, {
        apiVersion: "v1",
        kind: "Secret",
        ...secret,
      });
    } catch (error) {
      // Changed or deleted meanwhile: what was written last is encrypted.
      const passed = error instanceof ApiError && [404, 409].includes(error.status);
      if (!passed) {
        throw error;
      }
    }
  }
  return items.length;
}

/**
 * A snapshot is of use only with the key that its Secrets are encrypted with: without it the API server
 * fails at every list of them.
 *
 * @throws LocalClusterError where the cluster has another key
 */
export async function requireKeyOf(paths: ClusterPaths, file: string): Promise<void> {
  const needed = await keyNamesIn(file);
  const known = keyNames(paths);
  if (needed.size === 0 || known.some((name) => needed.has(name))) {
    return;
  }
  throw new LocalClusterError(`the Secrets in ${file} are encrypted with a key that is not here`, {
    why: `it needs ${[...needed].join(", ")}, and the cluster has ${known.join(", ")}`,
    fix: `add that key to ${paths.encryption} from a copy of that file of the cluster that the snapshot is of; nothing was stopped or changed`,
  });
}

function keyNames(paths: ClusterPaths): string[] {
  const text = readText(paths.encryption) ?? '{"resources":[]}';
  const { resources } = JSON.parse(text) as EncryptionConfiguration;
  const providers = resources.flatMap((it) => it.providers);
  return providers.flatMap(({ secretbox }) => secretbox?.keys.map(({ name }) => name) ?? []);
}

async function keyNamesIn(file: string): Promise<Set<string>> {
  const names = new Set<string>();
  const overlap = ENCRYPTED.length + LONGEST_NAME;
  let rest = "";
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    // One character a byte, so that no value is split or changed.
    const text = rest + chunk.toString("latin1");
    for (const [, name = ""] of text.matchAll(new RegExp(`${ENCRYPTED}([\\w.-]{1,63}):`, "g"))) {
      names.add(name);
    }
    rest = text.slice(-overlap);
  }
  return names;
}
