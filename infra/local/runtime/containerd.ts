import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { reasonOf } from "../../../toolchain/errors";
import type { Tools } from "./control-plane";
import type { ClusterPaths } from "./paths";
import { readText, run } from "./process";
import { mirrorFolder } from "./registry";
import { SHIM_GROUP } from "./spec";

const CNI_PLUGINS = ["ptp", "host-local", "loopback", "portmap"];

/**
 * Writes what containerd needs; the control plane need not be there yet.
 * @returns whether its configuration is another one now
 */
export function configureContainerd(
  paths: ClusterPaths,
  tools: Tools,
  pauseImage: string,
): boolean {
  const plugins = join(paths.node, "cni", "bin");
  for (const folder of [plugins, cniConfigFolder(paths), join(paths.node, "containerd")]) {
    mkdirSync(folder, { recursive: true });
  }
  for (const plugin of CNI_PLUGINS) {
    copyFileSync(tools[plugin] ?? plugin, join(plugins, plugin));
  }
  const file = join(paths.node, "containerd.toml");
  const config = containerdConfig(paths, tools, pauseImage);
  const outdated = readText(file) !== config;
  writeFileSync(file, config);
  return outdated;
}

// TOML strings are JSON strings for the paths we write.
function containerdConfig(paths: ClusterPaths, tools: Tools, pauseImage: string): string {
  const text = (value: string): string => JSON.stringify(value);
  const runtime = `plugins."io.containerd.cri.v1.runtime"`;
  return `version = 3
root = ${text(join(paths.node, "containerd"))}
state = ${text(join(paths.run, "containerd"))}
disabled_plugins = ["io.containerd.nri.v1.nri", "io.containerd.tracing.processor.v1.otlp"]

[grpc]
  address = ${text(paths.containerdSocket)}

[plugins."io.containerd.internal.v1.opt"]
  path = ${text(join(paths.node, "opt"))}

[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = ${text(pauseImage)}

[plugins."io.containerd.cri.v1.images".registry]
  config_path = ${text(mirrorFolder(paths))}

[${runtime}]
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true

[${runtime}.cni]
  bin_dirs = [${text(join(paths.node, "cni", "bin"))}]
  conf_dir = ${text(cniConfigFolder(paths))}

[${runtime}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
  pod_annotations = [${text(SHIM_GROUP)}]

[${runtime}.containerd.runtimes.runc.options]
  BinaryName = ${text(tools.runc ?? "runc")}
  SystemdCgroup = false
`;
}

/** Until containerd answers on its socket. */
export async function waitForContainerd(
  paths: ClusterPaths,
  tools: Tools,
  signal?: AbortSignal,
): Promise<void> {
  const command = {
    file: tools.ctr ?? "ctr",
    args: ["--address", paths.containerdSocket, "version"],
  };
  const deadline = Date.now() + 30_000;
  for (;;) {
    try {
      await run("waiting for containerd", command, signal);
      return;
    } catch (error) {
      if (Date.now() > deadline) {
        throw error;
      }
      await sleep(100, undefined, { signal });
    }
  }
}

/**
 * Has the node take an image from its registry before a pod asks for it. What comes in between is the
 * kubelet's to repeat, and to tell.
 */
export async function pullAhead(
  paths: ClusterPaths,
  tools: Tools,
  reference: string,
  { signal, onNotice }: { signal?: AbortSignal; onNotice: (line: string) => void },
): Promise<void> {
  const node = ["--address", paths.containerdSocket, "--namespace", "k8s.io"];
  const args = [...node, "images", "pull", "--hosts-dir", mirrorFolder(paths), reference];
  try {
    await run("pulling an image ahead", { file: tools.ctr ?? "ctr", args }, signal);
  } catch (error) {
    signal?.throwIfAborted();
    onNotice(reasonOf(error));
  }
}

export function cniConfigFolder(paths: Pick<ClusterPaths, "node">): string {
  return join(paths.node, "cni", "conf");
}
