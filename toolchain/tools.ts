import type { KubernetesMinor, Recipe, RecipeName, Release, Tool, ToolName } from "./release";

/**
 * The one table of pinned tools: what they are, where their official releases are, and how they are
 * built where no release can be fetched. A row's hashes are the publisher's, for its URL; a platform
 * without a hash is built. Placeholders in `url` and `member`: {version}, {os} (linux, darwin),
 * {arch} (amd64, arm64), {nodeArch} (x64, arm64), {Os} (Linux, Darwin), {machine} (x86_64, arm64).
 */
export const KUBERNETES_VERSIONS: Readonly<Record<KubernetesMinor, string>> = {
  "1.35": "1.35.4",
  "1.36": "1.36.3",
};

/** The minor whose tools are meant where none is named. */
export const DEFAULT_KUBERNETES_MINOR: KubernetesMinor = "1.36";

/** The official plugin's version is that of the @pulumi/kubernetes package (checked by a test). */
export const KUBERNETES_PLUGIN_VERSION = "4.34.2";

/** The pinned patch of a minor. */
export const kubernetesVersion = (minor: KubernetesMinor): string => KUBERNETES_VERSIONS[minor];

const CONTAINERD_VERSION = "2.3.4";
const CNI_VERSION = "1.9.1";
const PULUMI_VERSION = "3.259.0";
const REGISTRY_VERSION = "3.1.2";
const RUNC_VERSION = "1.4.3";
const LOCAL_PATH_PROVISIONER_VERSION = "0.0.30";
const METRICS_SERVER_VERSION = "0.9.0";
/** That of the chart in production (checked by a test). */
const KARPENTER_VERSION = "1.14.1";
const SKIPPER_VERSION = "0.23.0";

function kubernetesRecipe(minor: KubernetesMinor, module: string, title: string): Recipe {
  const [major = "", minorNumber = ""] = minor.split(".");
  const settings = {
    gitVersion: `v${KUBERNETES_VERSIONS[minor]}`,
    gitMajor: major,
    gitMinor: minorNumber,
    gitTreeState: "clean",
  };
  const entries = Object.entries(settings);
  const path = "k8s.io/component-base/version";
  return {
    module,
    title,
    variables: Object.fromEntries(entries.map(([name, value]) => [`${path}.${name}`, value])),
  };
}

/** Built in this order: what every cluster needs comes before another minor. */
export const RECIPES: Readonly<Record<RecipeName, Recipe>> = {
  etcd: { module: "etcd", title: "etcd", variables: {} },
  containerd: {
    module: "containerd",
    title: "containerd, CNI plugins, crane",
    variables: {
      "github.com/containerd/containerd/v2/version.Version": `v${CONTAINERD_VERSION}`,
      "github.com/containernetworking/plugins/pkg/utils/buildversion.BuildVersion": `v${CNI_VERSION}`,
    },
  },
  // Without seccomp every sandbox fails: "config provided but seccomp not supported".
  runc: {
    module: "containerd",
    title: "runc",
    variables: { "main.version": RUNC_VERSION },
    tags: "seccomp",
    cgo: true,
  },
  registry: {
    module: "registry",
    title: "image registry",
    variables: {
      "github.com/distribution/distribution/v3/version.version": `v${REGISTRY_VERSION}`,
    },
  },
  pulumi: {
    module: "pulumi",
    title: "Pulumi CLI",
    variables: {
      "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": `v${PULUMI_VERSION}`,
    },
  },
  // Its version is a constant in its source.
  kind: { module: "kind", title: "kind", variables: {} },
  kubernetes: kubernetesRecipe("1.36", "kubernetes", "Kubernetes, kwok, CoreDNS"),
  // A build of its own: Go refuses two spellings of one import path, of which the kubelet has the other.
  addons: {
    module: "kubernetes",
    title: "local-path-provisioner, metrics-server, Karpenter",
    variables: {
      "main.VERSION": `v${LOCAL_PATH_PROVISIONER_VERSION}`,
      "k8s.io/client-go/pkg/version.gitVersion": `v${METRICS_SERVER_VERSION}`,
      "sigs.k8s.io/karpenter/pkg/operator.Version": KARPENTER_VERSION,
    },
  },
  skipper: {
    module: "skipper",
    title: "Skipper",
    variables: { "main.version": `v${SKIPPER_VERSION}` },
  },
  "kubernetes-1.35": kubernetesRecipe("1.35", "kubernetes-1.35", "Kubernetes 1.35"),
};

type Hashes = Release["sha256"];
type KubernetesCommand = Extract<ToolName, `kube${string}`>;

const MODULES: Readonly<Record<KubernetesMinor, RecipeName>> = {
  "1.35": "kubernetes-1.35",
  "1.36": "kubernetes",
};

/** dl.k8s.io publishes each Kubernetes command as a bare executable. */
function kubernetesRelease(
  name: KubernetesCommand,
  minor: KubernetesMinor,
  sha256: Hashes,
): Release {
  const client = name === "kubectl";
  const args = client ? ["version", "--client"] : ["--version"];
  const pattern = client ? /Client Version: v(\d+\.\d+\.\d+)/ : /Kubernetes v(\d+\.\d+\.\d+)/;
  return {
    name,
    version: KUBERNETES_VERSIONS[minor],
    // One kubectl serves a neighbouring minor too.
    ...(client ? {} : { kubernetes: minor }),
    fit: client ? "withinOneMinor" : "sameMinor",
    url: `https://dl.k8s.io/release/v{version}/bin/{os}/{arch}/${name}`,
    sha256,
    recipe: MODULES[minor],
    tools: [{ name, probe: { args, pattern }, package: `k8s.io/kubernetes/cmd/${name}` }],
  };
}

/** One release a minor. */
function kubernetesReleases(
  name: Exclude<KubernetesCommand, "kubectl">,
  hashes: Readonly<Record<KubernetesMinor, Hashes>>,
): Release[] {
  const minors = Object.keys(hashes) as KubernetesMinor[];
  return minors.map((minor) => kubernetesRelease(name, minor, hashes[minor]));
}

function kwokRelease(name: "kwok" | "kwokctl", sha256: Hashes): Release {
  return {
    name,
    version: "0.8.0",
    fit: "sameMinor",
    url: `https://github.com/kubernetes-sigs/kwok/releases/download/v{version}/${name}-{os}-{arch}`,
    sha256,
    recipe: "kubernetes",
    tools: [
      {
        name,
        probe: { args: ["--version"], pattern: /version v(\d+\.\d+\.\d+)/ },
        package: `sigs.k8s.io/kwok/cmd/${name}`,
      },
    ],
  };
}

/** @param folder of the Go module: etcd's own command lies in its server */
const etcdTool = (
  name: "etcd" | "etcdctl" | "etcdutl",
  folder: string,
  args: readonly string[],
): Tool => ({
  name,
  probe: { args, pattern: /(?:etcd|etcdctl|etcdutl) [Vv]ersion: (\d+\.\d+\.\d+)/ },
  member: `etcd-v{version}-{os}-{arch}/${name}`,
  package: `go.etcd.io/etcd/${folder}/v3`,
});

const containerdTool = (
  name: "containerd" | "containerd-shim-runc-v2" | "ctr",
  flag: string,
): Tool => ({
  name,
  probe: { args: [flag], pattern: /(?:containerd\/v2\s+|Version:\s+)v?(\d+\.\d+\.\d+)/ },
  member: `bin/${name}`,
  package: `github.com/containerd/containerd/v2/cmd/${name}`,
});

const cniTool = (name: "ptp" | "host-local" | "loopback" | "portmap", folder: string): Tool => ({
  name,
  probe: { args: ["--version"], pattern: /CNI \S+ plugin v(\d+\.\d+\.\d+)/ },
  member: `./${name}`,
  package: `github.com/containernetworking/plugins/plugins/${folder}/${name}`,
});

export const RELEASES: readonly Release[] = [
  {
    name: "pulumi",
    version: PULUMI_VERSION,
    fit: "atLeast",
    url: "https://get.pulumi.com/releases/sdk/pulumi-v{version}-{os}-{nodeArch}.tar.gz",
    sha256: {
      "linux-x64": "94ba357acac23d01474084c4b00098dc0f7bc70ce13f34c777459254a5f718e5",
      "linux-arm64": "edc8327463a72160bb36cf82cf5062da9c8a244290a706d9980988e7bf486853",
      "darwin-x64": "eaca4c3b8277bfa3ab061fa3b270d1c66358a0b2e613da8c5587a04b7226c534",
      "darwin-arm64": "57c27f179e527e2cf9f62b841a448af72a020e44b2fb4ee0d9bd85556c00c864",
    },
    companions: [
      "pulumi/pulumi-language-nodejs",
      "pulumi/pulumi-resource-pulumi-nodejs",
      "pulumi/pulumi-analyzer-policy",
    ],
    recipe: "pulumi",
    tools: [
      {
        name: "pulumi",
        probe: { args: ["version"], pattern: /^v(\d+\.\d+\.\d+)/m },
        member: "pulumi/pulumi",
        package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
      },
    ],
  },
  kubernetesRelease("kubectl", DEFAULT_KUBERNETES_MINOR, {
    "linux-x64": "ebbd080e7c2e275093b55915722043257eb24004363e20acb3c4d71919f88336",
    "linux-arm64": "3d86f24401c41ae5a46ac50eef8865fe891d3647d324a0836f6c63757a126e62",
    "darwin-x64": "158b3b46cf74e8b6bd9b1d7cd30f665e3efb2bc1ec3c843ec925bcfdd2930de0",
    "darwin-arm64": "fc8582acde13869a606730a79379d6515f30c68afcced0b5ac8789d5d002b7d6",
  }),
  ...kubernetesReleases("kube-apiserver", {
    "1.35": {
      "linux-x64": "d5fff07e41f6826963254685667cfb3ec354dd676aa697e75c1e973e86d28fc7",
      "linux-arm64": "ef055372df04d541c84ab8cb6dabfa67c3f5f35e6cbe7642673f94e1ca560cf3",
    },
    "1.36": {
      "linux-x64": "1f217d397234a6d065da663c6e086fdb02c0f0de97a0758ff3e6f3956f4ef8ab",
      "linux-arm64": "16001b9d35d23634c361a1e2b7b0fc7abe186984af697ef7a869c8c8cded78b7",
    },
  }),
  ...kubernetesReleases("kube-controller-manager", {
    "1.35": {
      "linux-x64": "be0dc23daaf568c51017ea867707bd38ab36a78a83982bc12af9184e8e370c2c",
      "linux-arm64": "0ba5bc092a1fe68987f2b4ae072146962ed31b73819c1552153894eff67968c0",
    },
    "1.36": {
      "linux-x64": "7edfe976d5a06c7a702d653e914095f4a732a04bb2139115b6a6eba6a9b781c7",
      "linux-arm64": "27868a5c822824945b93f2d8a724a5dcd99affc68b47230ae766bff8795bbb84",
    },
  }),
  ...kubernetesReleases("kube-scheduler", {
    "1.35": {
      "linux-x64": "c796c9e54fc56745b9f50d2aa464d97d10007adc7cf0ba36a9cbf450a6f11770",
      "linux-arm64": "ad75d09987d28f69d12959b880074ae3d2fedcf7491f5d41d6f23456d822333c",
    },
    "1.36": {
      "linux-x64": "b8955d4518c902110b50a825364339b1fb673822518ce0ba081a69ed634f8eee",
      "linux-arm64": "ca1c7cd0033942bf9ef7eac80e18375d91f6f29487244c3e685f11163b01a88d",
    },
  }),
  ...kubernetesReleases("kubelet", {
    "1.35": {
      "linux-x64": "983a6ba5a49823dcdd745c674e5e2416377dd27d6ad1b42d2befa0fb961a19f6",
      "linux-arm64": "d710eef03bb4ad164bb77af9be5b11b44f874e2fc08153c7d383420d685f73e8",
    },
    "1.36": {
      "linux-x64": "46707a53209f826ad0f0d62371ac69cd00e78fd9a8176cf5f6f87f18f7f8b718",
      "linux-arm64": "57205a5daf5883873d87b4914e1e00bdd7707acd075714788cfb0fc1f60bc414",
    },
  }),
  ...kubernetesReleases("kube-proxy", {
    "1.35": {
      "linux-x64": "db3001aa69c853e5a1a5d51c15eff112e6342a0fea9c99d7e272b6e47268c0a3",
      "linux-arm64": "769bf09cc106c03beb7f10bf96b29ef26a9316e2a43f45b8265c7fb9b8c1d61a",
    },
    "1.36": {
      "linux-x64": "f1b5eb4462df9d98751264c6256628d90fdc72ba8e9a8025d1f75674f078f254",
      "linux-arm64": "5db204a2f79b26f676137052b45e391f6f8c93b85c85ef0a1f5d72647e3c7834",
    },
  }),
  kwokRelease("kwok", {
    "linux-x64": "f5a4385a2ae1b9dd7f8acae18e002a75c0ebba124ae9d7259aa8dadb50711f46",
    "linux-arm64": "628f7d277860f524a2a775c217adcc58828e7b59ab0933680315784f1b8b0e37",
    "darwin-arm64": "69a064ec98d37844d9d742b5b28ff57825659a983ccc3e208daa6948b94d64ba",
  }),
  kwokRelease("kwokctl", {
    "linux-x64": "d5743166c657283d6e827c7c4c20cacfd9009fd94830f06718ca7b2c7099461f",
    "linux-arm64": "5a642b27d3e975f36040d215640cd90fb4a63cb6fca0ad5865a61bcd9c81051b",
    "darwin-arm64": "9323a59adb9c27854bd2a76652ad00258bcbb68acc40aba0dc21e362b67b7d6a",
  }),
  {
    name: "coredns",
    version: "1.14.6",
    fit: "sameMinor",
    url: "https://github.com/coredns/coredns/releases/download/v{version}/coredns_{version}_{os}_{arch}.tgz",
    sha256: {
      "linux-x64": "4402578c8f7b95dac1d8258bfd13e7a9d30f70d7a53f396b02a6d6ca78d56152",
      "linux-arm64": "a99987b82977a791e232fcb828133cb645130481cc36af6e06fbf938326d2c3e",
    },
    recipe: "kubernetes",
    tools: [
      {
        name: "coredns",
        probe: { args: ["-version"], pattern: /CoreDNS-(\d+\.\d+\.\d+)/ },
        member: "coredns",
        package: "./coredns",
      },
    ],
  },
  {
    name: "local-path-provisioner",
    version: LOCAL_PATH_PROVISIONER_VERSION,
    fit: "sameMinor",
    sha256: {},
    recipe: "addons",
    tools: [
      {
        name: "local-path-provisioner",
        probe: { args: ["--version"], pattern: /version v(\d+\.\d+\.\d+)/ },
        package: "github.com/rancher/local-path-provisioner",
      },
    ],
  },
  {
    name: "metrics-server",
    version: METRICS_SERVER_VERSION,
    fit: "sameMinor",
    sha256: {},
    recipe: "addons",
    tools: [
      {
        name: "metrics-server",
        probe: { args: ["--version"], pattern: /^v(\d+\.\d+\.\d+)/m },
        package: "sigs.k8s.io/metrics-server/cmd/metrics-server",
      },
    ],
  },
  {
    // With the cloud provider that simulates its nodes by kwok: it has no release, as image or otherwise.
    name: "karpenter",
    version: KARPENTER_VERSION,
    // One on PATH may be of another cloud.
    fit: "never",
    sha256: {},
    recipe: "addons",
    tools: [
      {
        name: "karpenter",
        probe: { args: ["--version"], pattern: /^karpenter (\d+\.\d+\.\d+)/m },
        package: "./karpenter",
      },
    ],
  },
  {
    name: "etcd",
    version: "3.6.8",
    fit: "sameMinor",
    url: "https://github.com/etcd-io/etcd/releases/download/v{version}/etcd-v{version}-{os}-{arch}.tar.gz",
    sha256: {
      "linux-x64": "cf9cfe91a4856cb90eed9c99e6aee4b708db2c7888b88a6f116281f04b0ea693",
      "linux-arm64": "438f56a700d17ce761510a3e63e6fa5c1d587b2dd4d7a22c179c09a649366760",
    },
    recipe: "etcd",
    tools: [
      etcdTool("etcd", "server", ["--version"]),
      etcdTool("etcdctl", "etcdctl", ["version"]),
      etcdTool("etcdutl", "etcdutl", ["version"]),
    ],
  },
  {
    name: "containerd",
    version: CONTAINERD_VERSION,
    fit: "atLeast",
    url: "https://github.com/containerd/containerd/releases/download/v{version}/containerd-{version}-{os}-{arch}.tar.gz",
    sha256: {
      "linux-x64": "9d68969855fbf676cdb8ed758e420fb048d61f984f61de3e53eddfebe484d168",
      "linux-arm64": "a985fbb7e18fc0362d31a055338f5d7b0e087a3e27f14c70d1c5965399a29f95",
    },
    recipe: "containerd",
    tools: [
      containerdTool("containerd", "--version"),
      containerdTool("containerd-shim-runc-v2", "-v"),
      containerdTool("ctr", "--version"),
    ],
  },
  {
    name: "runc",
    version: RUNC_VERSION,
    fit: "atLeast",
    url: "https://github.com/opencontainers/runc/releases/download/v{version}/runc.{arch}",
    sha256: {
      "linux-x64": "f6ae8efc0fa40079e1475e97cbe9d1bd3f106a28d6af78a11d9f1bd565515e60",
      "linux-arm64": "633301e2e32f8a5ad54031aab4901eb00308bec677dd15faa2751e8f9dab5ca4",
    },
    recipe: "runc",
    tools: [
      {
        name: "runc",
        probe: { args: ["--version"], pattern: /runc version (\d+\.\d+\.\d+)/ },
        package: "github.com/opencontainers/runc",
      },
    ],
  },
  {
    name: "cni-plugins",
    version: CNI_VERSION,
    // Not from PATH: the runtime looks for all four by name, so they must lie in one folder.
    fit: "never",
    url: "https://github.com/containernetworking/plugins/releases/download/v{version}/cni-plugins-{os}-{arch}-v{version}.tgz",
    sha256: {
      "linux-x64": "b98f74a0f8522f0a83867178729c1aa70f2158f90c45a2ca8fa791db1c76b303",
      "linux-arm64": "56171987d3947707c3563db2f4001bccaf50fd63468611b9f3cbecb1375ee7ec",
    },
    recipe: "containerd",
    tools: [
      cniTool("ptp", "main"),
      cniTool("host-local", "ipam"),
      cniTool("loopback", "main"),
      cniTool("portmap", "meta"),
    ],
  },
  {
    name: "crane",
    version: "0.22.1",
    fit: "atLeast",
    url: "https://github.com/google/go-containerregistry/releases/download/v{version}/go-containerregistry_{Os}_{machine}.tar.gz",
    sha256: {
      "linux-x64": "0ab7a1d6932a213aed964ce97666c3077fe691c8606413674a8b3e0b9ec4cda0",
      "linux-arm64": "898c0cff975f898a33e8c4580bdafb0e7c02c7faa33374e946762f97c4ab7110",
      "darwin-x64": "6fedd06a648c11335f0e8b9547e4783002c30e9336047fec292942cd518bb799",
      "darwin-arm64": "2231fc8df8806d20d680ff1225db44e095a55dd6ac1ae8eced4faf4b278b78fb",
    },
    recipe: "containerd",
    tools: [
      {
        name: "crane",
        probe: { args: ["version"], pattern: /^v?(\d+\.\d+\.\d+)/m },
        member: "crane",
        package: "github.com/google/go-containerregistry/cmd/crane",
      },
    ],
  },
  {
    name: "registry",
    version: REGISTRY_VERSION,
    fit: "sameMinor",
    url: "https://github.com/distribution/distribution/releases/download/v{version}/registry_{version}_{os}_{arch}.tar.gz",
    sha256: {
      "linux-x64": "40df2224d410f72ae425c3371873b078bbdbda3b8b612be9571f0e6751f3acc8",
      "linux-arm64": "09d26f88d2c0f161bd1b8bfc6c123571cc3d291dcca8af5477b3cacc4ec95e73",
    },
    recipe: "registry",
    tools: [
      {
        name: "registry",
        probe: { args: ["--version"], pattern: /distribution\/v3 v(\d+\.\d+\.\d+)/ },
        member: "registry",
        package: "./registry",
      },
    ],
  },
  {
    name: "skipper",
    version: SKIPPER_VERSION,
    fit: "sameMinor",
    sha256: {},
    recipe: "skipper",
    tools: [
      {
        name: "skipper",
        probe: { args: ["-version"], pattern: /Skipper version v(\d+\.\d+\.\d+)/ },
        package: "github.com/zalando/skipper/cmd/skipper",
      },
    ],
  },
  {
    name: "kind",
    // Its node image is the one of infra/local/kind/node-image.ts: the two move together.
    version: "0.32.0",
    fit: "sameMinor",
    url: "https://github.com/kubernetes-sigs/kind/releases/download/v{version}/kind-{os}-{arch}",
    sha256: {
      "linux-x64": "50030de23cf40a18505f20426f6a8506bedf13c6e509244bd1fa9463721b0f54",
      "linux-arm64": "b92cd615e97585de8ddade28ed5cd7feb4248d717c233eea5b03c37298900f5d",
      "darwin-arm64": "dca67911095a110c2b5c36e26df6cac860c602033e456c0db47be498cdef1ebb",
    },
    recipe: "kind",
    tools: [
      {
        name: "kind",
        probe: { args: ["version"], pattern: /kind v(\d+\.\d+\.\d+)/ },
        package: "sigs.k8s.io/kind",
      },
    ],
  },
];
