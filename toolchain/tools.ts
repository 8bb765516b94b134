import type { Recipe, RecipeName, Release, Tool, ToolName } from "./release";

/**
 * The one table of pinned tools: what they are, where their official releases are, and how they are
 * built where no release can be fetched. A row's hashes are the publisher's, for its URL; a platform
 * without a hash is built. Placeholders in `url` and `member`: {version}, {os} (linux, darwin),
 * {arch} (amd64, arm64), {nodeArch} (x64, arm64), {Os} (Linux, Darwin), {machine} (x86_64, arm64).
 */
export const KUBERNETES_VERSION = "1.36.3";

/** The official plugin's version is that of the @pulumi/kubernetes package (checked by a test). */
export const KUBERNETES_PLUGIN_VERSION = "4.34.2";

const CONTAINERD_VERSION = "2.3.4";
const CNI_VERSION = "1.9.1";
const PULUMI_VERSION = "3.259.0";
const RUNC_VERSION = "1.4.3";

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
  pulumi: {
    module: "pulumi",
    title: "Pulumi CLI",
    variables: {
      "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": `v${PULUMI_VERSION}`,
    },
  },
  kubernetes: {
    module: "kubernetes",
    title: "Kubernetes, kwok, CoreDNS",
    variables: {
      "k8s.io/component-base/version.gitVersion": `v${KUBERNETES_VERSION}`,
      "k8s.io/component-base/version.gitMajor": "1",
      "k8s.io/component-base/version.gitMinor": "36",
      "k8s.io/component-base/version.gitTreeState": "clean",
    },
  },
};

type KubernetesCommand = Extract<ToolName, `kube${string}`>;

/** dl.k8s.io publishes each Kubernetes command as a bare executable. */
function kubernetesRelease(name: KubernetesCommand, sha256: Release["sha256"]): Release {
  const client = name === "kubectl";
  const args = client ? ["version", "--client"] : ["--version"];
  const pattern = client ? /Client Version: v(\d+\.\d+\.\d+)/ : /Kubernetes v(\d+\.\d+\.\d+)/;
  return {
    name,
    version: KUBERNETES_VERSION,
    fit: client ? "withinOneMinor" : "sameMinor",
    url: `https://dl.k8s.io/release/v{version}/bin/{os}/{arch}/${name}`,
    sha256,
    recipe: "kubernetes",
    tools: [{ name, probe: { args, pattern }, package: `k8s.io/kubernetes/cmd/${name}` }],
  };
}

function kwokRelease(name: "kwok" | "kwokctl", sha256: Release["sha256"]): Release {
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
  kubernetesRelease("kubectl", {
    "linux-x64": "ebbd080e7c2e275093b55915722043257eb24004363e20acb3c4d71919f88336",
    "linux-arm64": "3d86f24401c41ae5a46ac50eef8865fe891d3647d324a0836f6c63757a126e62",
    "darwin-x64": "158b3b46cf74e8b6bd9b1d7cd30f665e3efb2bc1ec3c843ec925bcfdd2930de0",
    "darwin-arm64": "fc8582acde13869a606730a79379d6515f30c68afcced0b5ac8789d5d002b7d6",
  }),
  kubernetesRelease("kube-apiserver", {
    "linux-x64": "1f217d397234a6d065da663c6e086fdb02c0f0de97a0758ff3e6f3956f4ef8ab",
    "linux-arm64": "16001b9d35d23634c361a1e2b7b0fc7abe186984af697ef7a869c8c8cded78b7",
  }),
  kubernetesRelease("kube-controller-manager", {
    "linux-x64": "7edfe976d5a06c7a702d653e914095f4a732a04bb2139115b6a6eba6a9b781c7",
    "linux-arm64": "27868a5c822824945b93f2d8a724a5dcd99affc68b47230ae766bff8795bbb84",
  }),
  kubernetesRelease("kube-scheduler", {
    "linux-x64": "b8955d4518c902110b50a825364339b1fb673822518ce0ba081a69ed634f8eee",
    "linux-arm64": "ca1c7cd0033942bf9ef7eac80e18375d91f6f29487244c3e685f11163b01a88d",
  }),
  kubernetesRelease("kubelet", {
    "linux-x64": "46707a53209f826ad0f0d62371ac69cd00e78fd9a8176cf5f6f87f18f7f8b718",
    "linux-arm64": "57205a5daf5883873d87b4914e1e00bdd7707acd075714788cfb0fc1f60bc414",
  }),
  kubernetesRelease("kube-proxy", {
    "linux-x64": "f1b5eb4462df9d98751264c6256628d90fdc72ba8e9a8025d1f75674f078f254",
    "linux-arm64": "5db204a2f79b26f676137052b45e391f6f8c93b85c85ef0a1f5d72647e3c7834",
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
      {
        name: "etcd",
        probe: { args: ["--version"], pattern: /etcd Version: (\d+\.\d+\.\d+)/ },
        member: "etcd-v{version}-{os}-{arch}/etcd",
        package: "go.etcd.io/etcd/server/v3",
      },
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
];
