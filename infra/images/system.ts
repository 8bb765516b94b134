import type { ImageRecipe, LayerEntry } from "./recipe";

/** CoreDNS listens here: a port below 1024 would need a capability. */
export const COREDNS_PORT = 1053;

/** Skipper listens here, for the same reason. */
export const SKIPPER_PORT = 9090;

/**
 * The image that holds a pod's namespaces open (`pinned_images.sandbox` of containerd).
 *
 * The first process of a namespace is not ended by a signal that it does not handle, so the
 * fallback needs a shell that does: without it each pod would take its full grace period to end.
 */
export function pauseRecipe(): ImageRecipe {
  const script = "trap 'exit 0' TERM INT; while :; do sleep 2147483647 & wait $!; done";
  return {
    name: "drydock/pause",
    title: "pause",
    description: "Holds the namespaces of a pod open.",
    base: {
      kind: "registry",
      reference:
        "registry.k8s.io/pause:3.10.1@sha256:278fb9dbcca9518083ad1e11276933a2e96f23de604a3a08cc3c80002767d24c",
      fallback: {
        packages: { "busybox-static": ["usr/bin/busybox"] },
        versionPackage: "busybox-static",
        files: busyboxLinks("sh", "sleep"),
        config: { user: "65535:65535", entrypoint: ["/bin/sh", "-c", script] },
      },
    },
    layers: [],
    config: {},
  };
}

/**
 * Makes and clears the folders of volumes. The official image brings a shell along, which the pods
 * that do the work on a node need.
 */
function localPathProvisionerRecipe(): ImageRecipe {
  return {
    name: "drydock/local-path-provisioner",
    title: "local-path-provisioner",
    description: "Makes volumes on demand, in folders of the node.",
    base: {
      kind: "registry",
      reference:
        "docker.io/rancher/local-path-provisioner:v0.0.30@sha256:9b914881170048f80ae9302f36e5b99b4a6b18af73a38adc1c66d12f65d360be",
      fallback: {
        packages: { "busybox-static": ["usr/bin/busybox"] },
        files: busyboxLinks("sh", "mkdir", "rm"),
        tools: { "usr/bin/local-path-provisioner": "local-path-provisioner" },
      },
    },
    layers: [],
    config: {},
  };
}

/** Tells what pods and nodes use, which autoscalers and `kubectl top` ask for. */
function metricsServerRecipe(): ImageRecipe {
  return {
    name: "drydock/metrics-server",
    title: "metrics-server",
    description: "CPU and memory that pods and nodes use, for autoscalers and kubectl top.",
    base: {
      kind: "registry",
      // A tag of registry.k8s.io is never moved.
      reference: "registry.k8s.io/metrics-server/metrics-server:v0.9.0",
      fallback: { packages: {}, files: [], tools: { "metrics-server": "metrics-server" } },
    },
    layers: [],
    config: { entrypoint: ["/metrics-server"] },
  };
}

/** Leads requests by host and path to the Services that Ingresses name. */
function skipperRecipe(): ImageRecipe {
  return {
    name: "drydock/skipper",
    title: "Skipper",
    description: "Leads requests by host and path to the Services that Ingresses name.",
    source: "https://github.com/zalando/skipper",
    licenses: "Apache-2.0",
    base: {
      kind: "registry",
      // Its pipeline writes a version's tag once; the nodes get the image by digest in any case.
      reference: "ghcr.io/zalando/skipper:v0.23.0",
      fallback: { packages: {}, files: [], tools: { "usr/bin/skipper": "skipper" } },
    },
    layers: [],
    config: { user: "65532:65532", ports: [SKIPPER_PORT], entrypoint: ["/usr/bin/skipper"] },
  };
}

export interface CorednsRecipeArgs {
  /** Path of a statically linked `coredns` binary. */
  readonly binary: string;
}

/** CoreDNS, on nothing but itself. Its Corefile must listen on {@link COREDNS_PORT}. */
export function corednsRecipe({ binary }: CorednsRecipeArgs): ImageRecipe {
  return {
    name: "drydock/coredns",
    title: "CoreDNS",
    description: "The cluster's name server.",
    source: "https://github.com/coredns/coredns",
    licenses: "Apache-2.0",
    base: { kind: "scratch" },
    layers: [
      { name: "coredns", entries: [{ kind: "file", path: "coredns", from: binary, mode: 0o755 }] },
    ],
    config: { user: "65532:65532", ports: [COREDNS_PORT], entrypoint: ["/coredns"] },
  };
}

/** Links by which BusyBox, at `/usr/bin/busybox`, is the given commands. */
export function busyboxLinks(...commands: string[]): LayerEntry[] {
  return commands.map((name) => ({ kind: "symlink", path: `usr/bin/${name}`, target: "busybox" }));
}

/** The add-ons of a local cluster that come as images of the stack, by their part of the cluster. */
export const addOnRecipes = {
  storage: localPathProvisionerRecipe,
  metrics: metricsServerRecipe,
  ingress: skipperRecipe,
} satisfies Readonly<Record<string, () => ImageRecipe>>;
