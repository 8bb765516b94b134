/**
 * The Kubernetes minors that a stack may name. One of them is pinned for every stack, so that what is
 * rehearsed on a local cluster is what runs in production; another one is allowed with a warning.
 * The local patch release belongs to toolchain/, the EKS platform version to AWS.
 */
export const kubernetesVersions = {
  "1.35": { local: true, eksStandardSupportEnds: "2027-03-27" },
  "1.36": { local: true, eksStandardSupportEnds: "2027-08-02" },
} as const satisfies Record<string, KubernetesVersionFacts>;

interface KubernetesVersionFacts {
  /** Whether toolchain/ has this minor's binaries, so that a local cluster can run it. */
  readonly local: boolean;
  /** Last day of standard support on EKS (ISO date); afterwards AWS upgrades the control plane. */
  readonly eksStandardSupportEnds?: string;
}

export type KubernetesVersion = keyof typeof kubernetesVersions;

/** The minors with a date, as a type: each needs pinned add-ons in infra/eks. */
export type EksKubernetesVersion = {
  [V in KubernetesVersion]: (typeof kubernetesVersions)[V] extends {
    readonly eksStandardSupportEnds: string;
  }
    ? V
    : never;
}[KubernetesVersion];

/** The minor that all stacks share. */
export const pinnedKubernetesVersion = "1.36" satisfies KubernetesVersion;

/** The minors that EKS offers in standard support, in ascending order. */
export const eksKubernetesVersions = Object.entries<KubernetesVersionFacts>(kubernetesVersions)
  .filter(([, facts]) => facts.eksStandardSupportEnds !== undefined)
  .map(([version]) => version as EksKubernetesVersion);

/** The minors a local cluster can run, in ascending order. */
export const localKubernetesVersions = Object.entries<KubernetesVersionFacts>(kubernetesVersions)
  .filter(([, { local }]) => local)
  .map(([version]) => version as KubernetesVersion);

const pinnedMinor = Number(pinnedKubernetesVersion.split(".")[1]);

/**
 * The minors (of 1.x) that a cluster of somebody else's may run: what is tested here is the pinned one;
 * its APIs are the same two minors back, as far as Kubernetes itself lets nodes lag, and one ahead.
 */
export const supportedMinors = { oldest: pinnedMinor - 2, newest: pinnedMinor + 1 };

/** Says in words that a stack's minor is not the one the other stacks run; undefined if it is. */
export function versionWarning(version: KubernetesVersion): string | undefined {
  if (version === pinnedKubernetesVersion) return undefined;
  return (
    `drydock:cluster.kubernetesVersion is ${version}, the other stacks run ` +
    `${pinnedKubernetesVersion}: a rehearsal on one proves less about the other.`
  );
}
