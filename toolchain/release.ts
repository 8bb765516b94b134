import { ToolError } from "./errors";

export const PLATFORMS = ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"] as const;
export type Platform = (typeof PLATFORMS)[number];

export type ToolName =
  | "pulumi"
  | "kubectl"
  | "kube-apiserver"
  | "kube-controller-manager"
  | "kube-scheduler"
  | "kubelet"
  | "kube-proxy"
  | "kwok"
  | "kwokctl"
  | "coredns"
  | "metrics-server"
  | "karpenter"
  | "local-path-provisioner"
  | "etcd"
  | "etcdctl"
  | "etcdutl"
  | "containerd"
  | "containerd-shim-runc-v2"
  | "ctr"
  | "runc"
  | "ptp"
  | "host-local"
  | "loopback"
  | "portmap"
  | "crane"
  | "registry"
  | "skipper"
  | "kind";

/** The Kubernetes minors that a local cluster can run, in ascending order. */
export const KUBERNETES_MINORS = ["1.35", "1.36"] as const;
export type KubernetesMinor = (typeof KUBERNETES_MINORS)[number];

/** Which version on PATH will do, by the rules in versions.ts. `never`: the name is not looked for on PATH. */
export type Fit = "atLeast" | "sameMinor" | "withinOneMinor" | "never";

export interface Tool {
  readonly name: ToolName;
  /** Arguments that print the version, and the pattern whose first group is `x.y.z`. */
  readonly probe: { readonly args: readonly string[]; readonly pattern: RegExp };
  /** Path in the release's archive; absent where the release is the bare executable. */
  readonly member?: string;
  /** Go package of the command. */
  readonly package: string;
}

/** What is fetched at once: one official file, which holds one tool or several. */
export interface Release {
  readonly name: string;
  readonly version: string;
  /** Of a tool that there is once a Kubernetes minor: the minor. Absent: the release serves all. */
  readonly kubernetes?: KubernetesMinor;
  readonly fit: Fit;
  /** Absent: it is published as a container image only, or not at all. */
  readonly url?: string;
  readonly sha256: Partial<Readonly<Record<Platform, string>>>;
  /** Taken from the archive too where it has them; they must lie next to the tool. */
  readonly companions?: readonly string[];
  readonly recipe: RecipeName;
  readonly tools: readonly Tool[];
}

export type RecipeName =
  | "pulumi"
  | "etcd"
  | "containerd"
  | "runc"
  | "registry"
  | "kubernetes"
  | "addons"
  | "skipper"
  | "kubernetes-1.35"
  | "kind";

/** One `go build`. Recipes of one module share what they compile. */
export interface Recipe {
  /** Folder of the go.mod under toolchain/go. */
  readonly module: string;
  readonly title: string;
  /** `-X` settings of the linker: without them the commands print no version or a wrong one. */
  readonly variables: Readonly<Record<string, string>>;
  readonly tags?: string;
  /** Needs a C compiler. */
  readonly cgo?: boolean;
}

/** The platform's tools are for. Windows has none: the message names the way out. */
export function currentPlatform(): Platform {
  const name = `${process.platform}-${process.arch}`;
  const platform = PLATFORMS.find((known) => known === name);
  if (platform === undefined) {
    throw new ToolError({
      what: `there are no tools for ${name}`,
      why: `the table knows ${PLATFORMS.join(", ")}`,
      fix: "on Windows, work inside WSL 2",
    });
  }
  return platform;
}

/** Fills the placeholders of a table entry for a platform. */
export function expand(template: string, version: string, platform: Platform): string {
  const linux = platform.startsWith("linux");
  const x64 = platform.endsWith("x64");
  const values: Readonly<Record<string, string>> = {
    version,
    os: linux ? "linux" : "darwin",
    Os: linux ? "Linux" : "Darwin",
    arch: x64 ? "amd64" : "arm64",
    nodeArch: x64 ? "x64" : "arm64",
    machine: x64 ? "x86_64" : "arm64",
  };
  return template.replace(/\{(\w+)\}/g, (placeholder, key: string) => values[key] ?? placeholder);
}

/** The releases of these tools, for clusters of one Kubernetes minor. */
export function releasesOf(
  names: Iterable<string>,
  minor: KubernetesMinor,
  releases: readonly Release[],
): readonly Release[] {
  const wanted = new Set(names);
  return releases.filter(
    ({ tools, kubernetes = minor }) =>
      kubernetes === minor && tools.some(({ name }) => wanted.has(name)),
  );
}

/** `kubectl 1.36.3`: how messages name a release. */
export const titleOf = (release: Pick<Release, "name" | "version">): string =>
  `${release.name} ${release.version}`;
