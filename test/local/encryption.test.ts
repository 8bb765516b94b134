import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { ensureEncryptionKey, requireKeyOf } from "../../infra/local/runtime/encryption";
import { LocalClusterError } from "../../infra/local/runtime/errors";
import { type ClusterPaths, clusterPaths } from "../../infra/local/runtime/paths";

interface Config {
  resources: [{ resources: string[]; providers: [Secretbox, { identity: object }] }];
}
interface Secretbox {
  secretbox: { keys: [{ name: string; secret: string }] };
}

describe("the key of a cluster's Secrets", () => {
  let folder: string;
  let paths: ClusterPaths;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "drydock-encryption-"));
    paths = { ...clusterPaths(folder, "dev"), encryption: join(folder, "encryption.json") };
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const keyOf = (file: string) => {
    const { resources } = JSON.parse(readFileSync(file, "utf8")) as Config;
    expect(resources[0].resources).toEqual(["secrets"]);
    expect(resources[0].providers[1]).toEqual({ identity: {} });
    return resources[0].providers[0].secretbox.keys[0];
  };
  const snapshotOf = (...names: string[]): string => {
    const file = join(folder, "snapshot.db");
    const values = names.map((name) => `\u0000k8s:enc:secretbox:v1:${name}:\u0001\u00ff`);
    // The end of a chunk falls into the middle of a name.
    writeFileSync(file, "x".repeat(64 * 1024 - 30) + values.join("y".repeat(100)), "latin1");
    return file;
  };

  it("is 32 random bytes of its own, for its owner alone, and stays", () => {
    ensureEncryptionKey(paths);
    const { name, secret } = keyOf(paths.encryption);
    expect(Buffer.from(secret, "base64")).toHaveLength(32);
    expect(statSync(paths.encryption).mode & 0o777).toBe(0o600);
    ensureEncryptionKey(paths);
    expect(keyOf(paths.encryption)).toEqual({ name, secret });
    const other = { encryption: join(folder, "other.json") };
    ensureEncryptionKey(other);
    expect(keyOf(other.encryption).name).not.toBe(name);
    expect(keyOf(other.encryption).secret).not.toBe(secret);
  });

  it("opens a snapshot that it encrypted, and one without encrypted Secrets", async () => {
    ensureEncryptionKey(paths);
    const { name } = keyOf(paths.encryption);
    await expect(requireKeyOf(paths, snapshotOf(name))).resolves.toBeUndefined();
    await expect(requireKeyOf(paths, snapshotOf("key-of-before", name))).resolves.toBeUndefined();
    await expect(requireKeyOf(paths, snapshotOf())).resolves.toBeUndefined();
  });

  it("is missed where a snapshot needs another one, which can be added", async () => {
    ensureEncryptionKey(paths);
    const { name, secret } = keyOf(paths.encryption);
    const file = snapshotOf("key-0123456789abcdef");
    const refused = await requireKeyOf(paths, file).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(LocalClusterError);
    const { message } = refused as Error;
    for (const part of [file, "key-0123456789abcdef", name, paths.encryption, "nothing was"]) {
      expect(message).toContain(part);
    }
    expect(message).not.toContain(secret);
    const config = JSON.parse(readFileSync(paths.encryption, "utf8")) as Config;
    const keys: { name: string; secret: string }[] =
      config.resources[0].providers[0].secretbox.keys;
    keys.push({ name: "key-0123456789abcdef", secret });
    writeFileSync(paths.encryption, JSON.stringify(config));
    await expect(requireKeyOf(paths, file)).resolves.toBeUndefined();
  });
});
