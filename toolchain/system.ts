import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { findOnPath } from "./probe";
import type { Environment } from "./paths";

/** What a system package is for: a real node, building tools from source, or building the nginx image. */
export type Purpose = "node" | "build" | "image";

export interface SystemPackage {
  /** The command or library, as a user knows it. */
  readonly name: string;
  readonly purpose: Purpose;
  readonly use: string;
  readonly apt: string;
  /** Absent where the name or the use on Fedora is not known for sure. */
  readonly dnf?: string;
  /** Found by `pkg-config` and not by a command. */
  readonly library?: boolean;
}

export const SYSTEM_PACKAGES: readonly SystemPackage[] = [
  {
    name: "iptables",
    purpose: "node",
    use: "kube-proxy and the portmap plugin write Service rules with it",
    apt: "iptables",
    dnf: "iptables-nft",
  },
  {
    name: "nft",
    purpose: "node",
    use: "the cluster's agent enforces network policies with it",
    apt: "nftables",
    dnf: "nftables",
  },
  {
    name: "conntrack",
    purpose: "node",
    use: "kube-proxy drops stale connections with it",
    apt: "conntrack",
    dnf: "conntrack-tools",
  },
  {
    name: "ip",
    purpose: "node",
    use: "makes the cluster's network namespace",
    apt: "iproute2",
    dnf: "iproute",
  },
  {
    name: "nsenter",
    purpose: "node",
    use: "starts processes in the cluster's network namespace",
    apt: "util-linux",
    dnf: "util-linux",
  },
  {
    name: "mount",
    purpose: "node",
    use: "kubelet mounts volumes with it",
    apt: "mount",
    dnf: "util-linux",
  },
  {
    name: "gcc",
    purpose: "build",
    use: "compiles runc",
    apt: "gcc libc6-dev",
    dnf: "gcc glibc-devel",
  },
  {
    name: "pkg-config",
    purpose: "build",
    use: "finds libseccomp for runc",
    apt: "pkg-config",
    dnf: "pkgconf-pkg-config",
  },
  {
    name: "libseccomp",
    purpose: "build",
    use: "runc filters system calls with it",
    apt: "libseccomp-dev",
    dnf: "libseccomp-devel",
    library: true,
  },
  {
    name: "apt-get",
    purpose: "image",
    use: "fetches nginx where no container registry answers",
    apt: "apt",
  },
  {
    name: "dpkg-deb",
    purpose: "image",
    use: "unpacks nginx where no container registry answers",
    apt: "dpkg",
    dnf: "dpkg",
  },
];

export async function isPresent(
  { name, library }: SystemPackage,
  env: Environment = process.env,
): Promise<boolean> {
  // Debian keeps iptables and ip where the PATH of a plain user does not look.
  const path = `${env.PATH ?? ""}:/usr/sbin:/sbin`;
  if (library !== true) return (await findOnPath(name, { PATH: path })) !== undefined;
  return promisify(execFile)("pkg-config", ["--exists", name], {
    env: { ...env, PATH: path },
  }).then(
    () => true,
    () => false,
  );
}

export async function missingPackages(
  purpose: Purpose,
  env: Environment = process.env,
): Promise<readonly SystemPackage[]> {
  const candidates = SYSTEM_PACKAGES.filter((candidate) => candidate.purpose === purpose);
  const present = await Promise.all(candidates.map((candidate) => isPresent(candidate, env)));
  return candidates.filter((_, index) => present[index] !== true);
}

/** The exact command that installs them here, or the package names where the package manager is not known. */
export async function installCommand(
  packages: readonly SystemPackage[],
  env: Environment = process.env,
): Promise<string> {
  const sudo = process.getuid?.() === 0 ? "" : "sudo ";
  const names = (manager: "apt" | "dnf") =>
    [...new Set(packages.flatMap((entry) => (entry[manager] ?? entry.name).split(" ")))].join(" ");
  if ((await findOnPath("apt-get", env)) !== undefined) {
    return `${sudo}apt-get update && ${sudo}apt-get install -y --no-install-recommends ${names("apt")}`;
  }
  if ((await findOnPath("dnf", env)) !== undefined) return `${sudo}dnf install -y ${names("dnf")}`;
  return `install the packages that Debian calls ${names("apt")}`;
}
