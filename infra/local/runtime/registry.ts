import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { publishImage, repositoryOf } from "../../images/publish";
import type { BuiltImage } from "../../images/store";
import type { Tools } from "./control-plane";
import { type Daemon, daemonPid } from "./daemon";
import { LocalClusterError } from "./errors";
import type { ClusterPaths } from "./paths";
import { type Command, inNetwork, readText } from "./process";
import { hasManifest, placeLayer } from "./registry-storage";
import type { ClusterRecord, NetworkRecord } from "./spec";

/** Registry host in the references of images. containerd alone knows where it is (`hosts.toml`). */
export const REGISTRY_HOST = "registry.drydock.local";

/** Loopback of the cluster's network namespace: neither the host nor a pod can reach it. */
const REGISTRY_PORT = 5000;
const REGISTRY_ADDRESS = `127.0.0.1:${String(REGISTRY_PORT)}`;
const START_MS = 20_000;

/** The registry that the real node pulls from, with its images in the cluster's folder. */
export function registryDaemon(network: NetworkRecord, paths: ClusterPaths, tools: Tools): Daemon {
  const command = {
    file: tools.registry ?? "registry",
    args: ["serve", configFile(paths)],
    // By default it would send traces to a collector on this port of the loopback. It streams what it serves:
    // 6 MB are in use, whatever is pulled.
    env: { OTEL_TRACES_EXPORTER: "none", GOMEMLIMIT: "20MiB" },
  };
  return { name: "registry", command: inNetwork(network, command) };
}

/** Folder of containerd's `hosts.toml` files, one for each registry. */
export function mirrorFolder(paths: Pick<ClusterPaths, "node">): string {
  return join(paths.node, "registries");
}

/** Writes what the registry needs, and how containerd finds it. */
export function configureRegistry(paths: ClusterPaths): void {
  const config = {
    version: 0.1,
    log: { level: "error", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: paths.registry } },
    http: { addr: REGISTRY_ADDRESS },
  };
  const mirror = join(mirrorFolder(paths), REGISTRY_HOST);
  mkdirSync(mirror, { recursive: true });
  mkdirSync(paths.registry, { recursive: true, mode: 0o700 });
  // JSON is YAML too.
  writeFileSync(configFile(paths), JSON.stringify(config));
  writeFileSync(
    join(mirror, "hosts.toml"),
    `server = "http://${REGISTRY_ADDRESS}"\n[host."http://${REGISTRY_ADDRESS}"]\n  capabilities = ["pull", "resolve"]\n`,
  );
}

/** Pushes an image unless it is there; its layers, most of it, are put into the registry's folder. */
export async function pushImage(
  record: ClusterRecord,
  paths: ClusterPaths,
  tools: Tools,
  image: BuiltImage,
  signal?: AbortSignal,
): Promise<void> {
  await waitForRegistry(paths, signal);
  const { reference } = image;
  if (holdsImage(paths, reference)) return;
  await publishImage(image, {
    ...access(record, paths, tools),
    deliver: (digest, file) => placeLayer(paths.registry, repositoryIn(reference), digest, file),
    ...(signal && { signal }),
  });
}

/** Whether the registry has an image. A preview asks for each: a look at its folder starts no process. */
export function holdsImage(paths: Pick<ClusterPaths, "registry">, reference: string): boolean {
  const [, digest = ""] = reference.split("@");
  return hasManifest(paths.registry, repositoryIn(reference), digest);
}

/** `registry.drydock.local/drydock/nginx@sha256:…` -> `drydock/nginx` */
function repositoryIn(reference: string): string {
  return repositoryOf(reference).slice(`${REGISTRY_HOST}/`.length);
}

function access({ network }: ClusterRecord, paths: ClusterPaths, tools: Tools) {
  // The user's logins are for other registries.
  const env = { DOCKER_CONFIG: paths.registry };
  const crane: Command = { file: tools.crane ?? "crane", args: [], env };
  return { crane: inNetwork(network, crane), address: REGISTRY_ADDRESS };
}

/** Until it listens. It may just be being started again by the supervisor. */
async function waitForRegistry(paths: ClusterPaths, signal?: AbortSignal): Promise<void> {
  for (let waited = 0; !listens(daemonPid(paths, "registry")); waited += 50) {
    if (waited >= START_MS) {
      throw new LocalClusterError("the cluster's image registry does not start", {
        why: `nothing listens on its port after ${String(START_MS / 1000)} s`,
        fix: `see ${join(paths.logs, "registry.log")}`,
      });
    }
    await sleep(50, undefined, { signal });
  }
}

/** As the kernel sees it from the process' own network: no connection from the host leads there. */
function listens(pid: number | undefined): boolean {
  const port = REGISTRY_PORT.toString(16).toUpperCase().padStart(4, "0");
  const LISTEN = "0A";
  const sockets = readText(`/proc/${String(pid)}/net/tcp`) ?? "";
  return new RegExp(`:${port} [0-9A-F]{8}:0000 ${LISTEN}`).test(sockets);
}

function configFile(paths: ClusterPaths): string {
  return join(paths.node, "registry.yaml");
}
